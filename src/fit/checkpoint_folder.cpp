// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/checkpoint_folder.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <functional>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/new_file.h"
#include "fit/checkpoint_file.h"
#include "fit/old_checkpoint_file.h"

namespace polytask::fit::detail {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStart = "checkpoint-";
constexpr auto kEnd = ".safetensors";
constexpr std::array<const char*, 2> kEnds = {kEnd, kOldCheckpointEnd};
/// Of all files that a training writes beside and renames.
constexpr std::array<std::string_view, 3> kOwnStarts = {
    kStart, "history.", "report.html."};

} // namespace

std::optional<int64_t> step_of_checkpoint(std::string_view name) {
  const auto* const end_of_name =
      std::find_if(kEnds.begin(), kEnds.end(), [&](const char* end) {
        return name.ends_with(end);
      });
  if (!name.starts_with(kStart) || end_of_name == kEnds.end()) {
    return std::nullopt;
  }
  name.remove_prefix(kStart.size());
  name.remove_suffix(std::string_view(*end_of_name).size());
  int64_t step = 0;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), step);
  return error == std::errc() && end == name.data() + name.size()
      ? std::optional(step)
      : std::nullopt;
}

CheckpointFolder::CheckpointFolder(
    std::string path, const CheckpointOptions& options)
    : folder_(std::move(path)), options_(options) {
  TORCH_CHECK_VALUE(
      options_.keep_last() >= 1 && options_.every_epochs() >= 0 &&
          options_.every_steps() >= 0 && options_.every_seconds() >= 0 &&
          options_.not_within_seconds() >= 0 &&
          options_.keep_every_epochs() >= 0,
      "CheckpointOptions: expected keep_last to be at least 1 and no option "
      "to be negative.");
  // Of whoever was killed; no other training is at work here.
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    const bool is_ours = std::any_of(
        kOwnStarts.begin(), kOwnStarts.end(), [&](std::string_view start) {
          return name.starts_with(start);
        });
    if (is_ours && polytask::detail::NewFile::is_left_over(name)) {
      std::error_code ignored;
      fs::remove(entry.path(), ignored);
    }
  }
}

std::string CheckpointFolder::path_of(const std::string& file) const {
  return (fs::path(folder_) / file).string();
}

std::string CheckpointFolder::checkpoint_path(
    int64_t step, const char* end) const {
  return path_of(fmt::format("{}{:09d}{}", kStart, step, end));
}

std::vector<int64_t> CheckpointFolder::steps() const {
  std::vector<int64_t> steps;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (const auto step =
            step_of_checkpoint(entry.path().filename().string())) {
      steps.push_back(*step);
    }
  }
  TORCH_CHECK(!error, "Fit: cannot list ", folder_, ": ", error.message(), ".");
  std::sort(steps.begin(), steps.end(), std::greater<>());
  steps.erase(std::unique(steps.begin(), steps.end()), steps.end());
  return steps;
}

std::optional<std::string> CheckpointFolder::newest() const {
  for (const int64_t step : steps()) {
    for (const char* end : kEnds) {
      const std::string path = checkpoint_path(step, end);
      if (!fs::exists(path)) {
        continue;
      }
      const std::string fault = checkpoint_fault(path);
      if (fault.empty()) {
        return path;
      }
      TORCH_WARN(
          "Fit: passes over the checkpoint ", path, ", which ", fault, ".");
    }
  }
  return std::nullopt;
}

int64_t CheckpointFolder::newest_step() const {
  const auto all = steps();
  return all.empty() ? -1 : all.front();
}

void CheckpointFolder::mark(int64_t step, int64_t epochs, bool is_best) {
  if (is_best) {
    best_ = step;
  }
  const int64_t every = options_.keep_every_epochs();
  if (every > 0 && epochs > 0 && epochs % every == 0) {
    kept_.push_back(step);
  }
}

std::string CheckpointFolder::write(
    int64_t step,
    io::detail::StoredWeights weights,
    torch::serialize::OutputArchive& archive) {
  const std::string path = checkpoint_path(step, kEnd);
  write_checkpoint(path, std::move(weights), archive);
  remove_old(step);
  return path;
}

std::vector<int64_t> CheckpointFolder::marks() const {
  std::vector<int64_t> marks{best_};
  marks.insert(marks.end(), kept_.begin(), kept_.end());
  return marks;
}

void CheckpointFolder::set_marks(const std::vector<int64_t>& marks) {
  best_ = marks.empty() ? -1 : marks.front();
  kept_.assign(marks.begin() + (marks.empty() ? 0 : 1), marks.end());
}

// Later steps are of files that were passed over as damaged: they do not count.
void CheckpointFolder::remove_old(int64_t newest) const {
  auto all = steps();
  std::erase_if(all, [&](int64_t step) { return step > newest; });
  for (size_t i = static_cast<size_t>(options_.keep_last()); i < all.size();
       ++i) {
    const bool stays = (options_.keep_best() && all[i] == best_) ||
        std::find(kept_.begin(), kept_.end(), all[i]) != kept_.end();
    if (!stays) {
      for (const char* end : kEnds) {
        std::error_code ignored;
        fs::remove(checkpoint_path(all[i], end), ignored);
      }
    }
  }
}

} // namespace polytask::fit::detail
