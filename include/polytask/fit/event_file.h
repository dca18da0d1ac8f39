// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <polytask/core/api.h>
#include <polytask/fit/history.h>

namespace polytask::fit {

/// A new file of events in a folder, for `tensorboard --logdir <folder>`. A
/// folder may hold several: TensorBoard reads them one after another, in the
/// order in which they were made.
///
/// What is added may wait in a buffer until `flush`, or until this is gone. All
/// functions throw, with the path, where the file cannot be written.
///
/// ```cpp
/// polytask::fit::EventFile events("runs/a");
/// events.add_scalar("validation/y1/loss", 0.25, step);
/// ```
class POLYTASK_API EventFile {
 public:
  /// Makes the folder where it is absent.
  explicit EventFile(const std::string& folder);
  ~EventFile();
  EventFile(EventFile&&) noexcept;
  EventFile& operator=(EventFile&&) noexcept;

  const std::string& path() const {
    return path_;
  }

  /// TensorBoard keeps a single-precision number. The time is in seconds since
  /// 1970; now, where there is none.
  void add_scalar(
      const std::string& tag,
      double value,
      int64_t step,
      std::optional<double> wall_time = std::nullopt);
  /// Each value of the record, under "<split>/<name>".
  void add_record(
      const HistoryRecord& record,
      std::optional<double> wall_time = std::nullopt);
  void add_text(
      const std::string& tag, const std::string& markdown, int64_t step);
  /// How the finite values of a tensor of any shape are spread, in 30 equal
  /// parts. Waits for a device.
  void add_histogram(
      const std::string& tag, const at::Tensor& values, int64_t step);

  /// Says that a training goes on here: what earlier files of the folder hold
  /// of this step and of later ones is out of date.
  void start_session(int64_t step);

  /// Hands everything to the operating system.
  void flush();

 private:
  void write_event(
      int64_t step,
      std::optional<double> wall_time,
      const std::string& content);
  void write_record(const std::string& message);

  struct Close {
    void operator()(std::FILE* file) const;
  };
  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

} // namespace polytask::fit
