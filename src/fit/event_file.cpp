// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/event_file.h>

#include <c10/util/Exception.h>
#include <fmt/format.h>

#if defined(_WIN32)
#include <process.h>
#else
#include <unistd.h>
#endif

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <string_view>
#include <system_error>
#include <vector>

#include "core/crc32c.h"
#include "core/host_value.h"
#include "fit/wire_format.h"

namespace polytask::fit {

namespace {

using polytask::detail::crc32c;
using polytask::detail::field;
using polytask::detail::little_endian;

constexpr std::string_view kEventFileStart = "events.out.tfevents.";

double seconds_since_1970() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

std::string machine_name() {
#if defined(_WIN32)
  return "host";
#else
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 && name[0] != 0 ? name
                                                                    : "host";
#endif
}

int64_t process_number() {
#if defined(_WIN32)
  return ::_getpid();
#else
  return ::getpid();
#endif
}

// Now, or a second after the newest file there is: TensorBoard reads the files
// of a folder in the order of their names.
int64_t time_of_new_file(const std::string& folder) {
  auto time = static_cast<int64_t>(seconds_since_1970());
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    int64_t other = 0;
    if (name.starts_with(kEventFileStart) &&
        std::from_chars(
            name.data() + kEventFileStart.size(),
            name.data() + name.size(),
            other)
                .ec == std::errc()) {
      time = std::max(time, other + 1);
    }
  }
  return time;
}

uint32_t masked_crc(const std::string& bytes) {
  const uint32_t crc = crc32c(0, bytes.data(), bytes.size());
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

// tensorboard/compat/proto/summary.proto: HistogramProto.
std::string histogram_message(const std::vector<double>& values) {
  if (values.empty()) {
    return field(3, 0.0);
  }
  constexpr int kParts = 30; // as TensorBoard's own
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const int parts = *least < *most ? kParts : 1;
  std::vector<double> limits;
  for (int i = 1; i < parts; ++i) {
    limits.push_back(std::lerp(*least, *most, double{1} * i / parts));
  }
  limits.push_back(*most);
  std::vector<double> counts(limits.size());
  double squares = 0;
  for (const double value : values) {
    const auto part = std::lower_bound(limits.begin(), limits.end(), value);
    counts[static_cast<size_t>(part - limits.begin())] += 1;
    squares += value * value;
  }
  return field(1, *least) + field(2, *most) +
      field(3, static_cast<double>(values.size())) +
      field(4, std::accumulate(values.begin(), values.end(), 0.0)) +
      field(5, squares) + field(6, limits) + field(7, counts);
}

// tensorboard/compat/proto/event.proto: Event.summary, of one value.
std::string summary_of(const std::string& tag, const std::string& value) {
  return field(5, field(1, field(1, tag) + value));
}

} // namespace

void EventFile::Close::operator()(std::FILE* file) const {
  std::fclose(file);
}

EventFile::EventFile(const std::string& folder) {
  std::filesystem::create_directories(folder);
  // "x": two processes that begin at once would otherwise share a file.
  for (int64_t time = time_of_new_file(folder); !file_; ++time) {
    path_ = (std::filesystem::path(folder) /
             fmt::format(
                 "{}{}.{}.{}.0",
                 kEventFileStart,
                 time,
                 machine_name(),
                 process_number()))
                .string();
    errno = 0;
    file_.reset(std::fopen(path_.c_str(), "wbx"));
    TORCH_CHECK(
        file_ || errno == EEXIST,
        "EventFile: cannot write ",
        path_,
        ": ",
        std::generic_category().message(errno),
        ".");
  }
  write_record(
      field(1, seconds_since_1970()) + field(3, std::string("brain.Event:2")));
}

EventFile::~EventFile() = default;
EventFile::EventFile(EventFile&&) noexcept = default;
EventFile& EventFile::operator=(EventFile&&) noexcept = default;

void EventFile::add_scalar(
    const std::string& tag,
    double value,
    int64_t step,
    std::optional<double> wall_time) {
  write_event(
      step, wall_time, summary_of(tag, field(2, static_cast<float>(value))));
}

void EventFile::add_record(
    const HistoryRecord& record, std::optional<double> wall_time) {
  const double time = wall_time.value_or(seconds_since_1970());
  for (const auto& [name, value] : record.values) {
    add_scalar(record.split + '/' + name, value, record.step, time);
  }
}

void EventFile::add_text(
    const std::string& tag, const std::string& markdown, int64_t step) {
  constexpr int64_t kString = 7;      // tensorboard: DT_STRING
  constexpr int64_t kTensorClass = 2; // DATA_CLASS_TENSOR
  const std::string shape;            // of a scalar
  const std::string tensor =
      field(1, kString) + field(2, shape) + field(8, markdown);
  const std::string metadata =
      field(1, field(1, std::string("text"))) + field(4, kTensorClass);
  write_event(
      step,
      std::nullopt,
      summary_of(tag, field(8, tensor) + field(9, metadata)));
}

void EventFile::add_histogram(
    const std::string& tag, const at::Tensor& values, int64_t step) {
  std::vector<double> finite = polytask::detail::host_values(values);
  std::erase_if(finite, [](double value) { return !std::isfinite(value); });
  write_event(
      step, std::nullopt, summary_of(tag, field(5, histogram_message(finite))));
}

void EventFile::start_session(int64_t step) {
  constexpr int64_t kStart = 1; // SessionLog::START
  write_event(step, std::nullopt, field(7, field(1, kStart)));
}

void EventFile::flush() {
  TORCH_CHECK(
      std::fflush(file_.get()) == 0,
      "EventFile: cannot write ",
      path_,
      ": ",
      std::generic_category().message(errno),
      ".");
}

void EventFile::write_event(
    int64_t step, std::optional<double> wall_time, const std::string& content) {
  write_record(
      field(1, wall_time.value_or(seconds_since_1970())) + field(2, step) +
      content);
}

// A TFRecord: length, its checksum, message, its checksum.
void EventFile::write_record(const std::string& message) {
  const std::string length = little_endian(uint64_t{message.size()});
  const std::string bytes = length + little_endian(masked_crc(length)) +
      message + little_endian(masked_crc(message));
  TORCH_CHECK(
      std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size(),
      "EventFile: cannot write ",
      path_,
      ": ",
      std::generic_category().message(errno),
      ".");
}

} // namespace polytask::fit
