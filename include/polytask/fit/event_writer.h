// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <polytask/core/api.h>
#include <polytask/fit/callback.h>
#include <polytask/fit/event_file.h>

namespace polytask::fit {

/// Writes a training's history for TensorBoard, each record as soon as it is
/// known, and at the end why the training ended. A training that is taken up
/// again goes on in a new file, and what was seen twice is shown once.
class POLYTASK_API EventWriter : public Callback {
 public:
  explicit EventWriter(std::string folder);

  void on_fit_begin(Fit& fit) override;
  void on_validation_end(
      Fit& fit,
      const std::string& split,
      const Evaluation& evaluation) override;
  void on_epoch_end(Fit& fit) override;
  void on_fit_end(Fit& fit) override;
  bool sees_steps() const override {
    return false;
  }

 private:
  void write_new(const Fit& fit);

  std::string folder_;
  std::optional<EventFile> file_;
  size_t written_ = 0; // so many records of the history
};

} // namespace polytask::fit
