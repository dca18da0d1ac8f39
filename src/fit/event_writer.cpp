// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/fit/event_writer.h>

#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include <polytask/fit/fit.h>

namespace polytask::fit {

namespace {

bool has_event_files(const std::string& folder) {
  std::error_code absent;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder, absent)) {
    if (entry.path().filename().string().find("tfevents") !=
        std::string::npos) {
      return true;
    }
  }
  return false;
}

} // namespace

EventWriter::EventWriter(std::string folder) : folder_(std::move(folder)) {}

void EventWriter::on_fit_begin(Fit& fit) {
  // What came before a resume is in the files of that time, if there are any;
  // of the step itself they may hold what the history does not.
  const auto& records = fit.history().records();
  const bool is_known = has_event_files(folder_);
  written_ = 0;
  while (is_known && written_ < records.size() &&
         records[written_].step < fit.step()) {
    ++written_;
  }
  file_.emplace(folder_);
  if (is_known) {
    file_->start_session(fit.step());
  }
  write_new(fit);
}

void EventWriter::on_validation_end(
    Fit& fit, const std::string& /*split*/, const Evaluation& /*evaluation*/) {
  write_new(fit);
}

void EventWriter::on_epoch_end(Fit& fit) {
  write_new(fit);
}

void EventWriter::on_fit_end(Fit& fit) {
  write_new(fit);
  const std::string& reason = fit.history().stop_reason();
  if (file_ && !reason.empty()) {
    file_->add_text("stop_reason", reason, fit.step());
    file_->flush();
  }
}

void EventWriter::write_new(const Fit& fit) {
  if (!file_) {
    return;
  }
  const std::chrono::duration<double> now =
      std::chrono::system_clock::now().time_since_epoch();
  const auto& records = fit.history().records();
  for (; written_ < records.size(); ++written_) {
    const double age = fit.seconds() - records[written_].seconds;
    file_->add_record(records[written_], now.count() - age);
  }
  file_->flush();
}

} // namespace polytask::fit
