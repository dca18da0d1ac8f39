// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/weights_file.h"

#include <ATen/core/Dict.h>
#include <c10/util/Exception.h>
#include <polytask/io/python_file.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <regex>

#include "core/check.h"
#include "io/regular_file.h"

namespace polytask::io::detail {

namespace {

constexpr std::string_view kSafetensorsEnd = ".safetensors";
constexpr std::array<std::string_view, 3> kPythonEnds = {".pt", ".pth", ".bin"};
constexpr std::array<std::string_view, 3> kUsualKeys = {
    "model", "state_dict", "model_state_dict"};

bool is_of_end(std::string_view path, std::string_view end) {
  return path.size() > end.size() &&
      path.substr(path.size() - end.size()) == end;
}

// Python's files are zip archives, or what an old PyTorch wrote; the first
// eight bytes of the others are a length.
bool looks_like_safetensors(const std::string& path) {
  std::array<char, 9> head{};
  std::ifstream file = open_regular_file(path);
  file.read(head.data(), head.size());
  return file.gcount() == static_cast<std::streamsize>(head.size())
      ? head[8] == '{'
      : is_of_end(path, kSafetensorsEnd);
}

bool is_state_dict(const c10::IValue& value) {
  if (!value.isGenericDict() || value.toGenericDict().empty()) {
    return false;
  }
  const auto dict = value.toGenericDict();
  return std::all_of(dict.begin(), dict.end(), [](const auto& entry) {
    return entry.key().isString() && entry.value().isTensor();
  });
}

// The first in a dict that makes it none of tensors by name.
std::string other_entry_of(const c10::IValue& value) {
  if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      if (!entry.key().isString() || !entry.value().isTensor()) {
        return c10::str(
            ", in which ", entry.key(), " is ", entry.value().tagKind());
      }
    }
  }
  return "";
}

c10::IValue state_dict_in(const c10::IValue& file, const std::string& key) {
  std::vector<std::string> keys;
  std::vector<c10::IValue> usual;
  std::string others;
  if (file.isGenericDict()) {
    for (const auto& entry : file.toGenericDict()) {
      if (!entry.key().isString()) {
        continue;
      }
      keys.push_back(entry.key().toStringRef());
      const bool is_usual =
          std::find(kUsualKeys.begin(), kUsualKeys.end(), keys.back()) !=
          kUsualKeys.end();
      if (key.empty() ? is_usual && is_state_dict(entry.value())
                      : keys.back() == key) {
        usual.push_back(entry.value());
      }
      if (key.empty() ? is_usual : keys.back() == key) {
        others = other_entry_of(entry.value());
      }
    }
  }
  TORCH_CHECK_VALUE(
      usual.size() < 2,
      "it has several dicts of tensors by name among its keys ",
      polytask::detail::quoted(keys),
      " (LoadWeightsOptions::key names one).");
  const auto& found = key.empty() && is_state_dict(file) ? file
      : usual.size() == 1                                ? usual[0]
                                                         : c10::IValue();
  TORCH_CHECK_VALUE(
      is_state_dict(found),
      key.empty()
          ? "it is no dict of tensors by name, and has none as 'model', "
            "'state_dict' or 'model_state_dict'"
          : "it has no dict of tensors by name as '" + key + "'",
      others.empty() && key.empty() ? other_entry_of(file) : others,
      "; its keys are ",
      polytask::detail::quoted(keys),
      " (LoadWeightsOptions::key names one).");
  return found;
}

// What downloads leave in the place of weights.
void check_kind(const std::string& path) {
  std::error_code ignored;
  TORCH_CHECK_VALUE(
      !std::filesystem::is_directory(path, ignored),
      "it is a folder, and no file.");
  TORCH_CHECK_VALUE(
      !is_of_end(path, ".index.json"),
      "it is the index of a model in several files: load each of them with "
      "strict(false).");
  constexpr std::string_view kPointer = "version https://git-lfs";
  std::string head(kPointer.size(), '\0');
  std::ifstream file = open_regular_file(path);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  TORCH_CHECK_VALUE(
      head != kPointer,
      "it is the pointer of git-lfs to a file that was not fetched (git lfs "
      "pull).");
}

} // namespace

WeightsFile::WeightsFile(const std::string& path, const std::string& key) {
  check_kind(path);
  if (looks_like_safetensors(path)) {
    open_safetensors(path, key);
  } else {
    open_python(path, key);
  }
}

void WeightsFile::open_safetensors(
    const std::string& path, const std::string& key) {
  TORCH_CHECK_VALUE(
      key.empty(),
      "LoadWeightsOptions::key is '",
      key,
      "', and a file of safetensors has no keys.");
  safetensors_.emplace(path);
  const auto& metadata = safetensors_->metadata();
  const bool is_ours = metadata.count(std::string(kOwnKind)) != 0;
  for (const auto& name : safetensors_->names()) {
    if (!is_ours || !name.starts_with(kOwnPrefix)) {
      names_.push_back(name);
    }
  }
  for (const auto& [name, target] : metadata) {
    if (!safetensors_->contains(name) && safetensors_->contains(target)) {
      aliases_.emplace(name, target);
      names_.push_back(name);
    }
  }
}

void WeightsFile::open_python(const std::string& path, const std::string& key) {
  tensors_ = tensors_of(state_dict_in(read_python(path), key));
  names_ = tensors_.keys();
}

at::Tensor WeightsFile::tensor(const std::string& name) const {
  const auto alias = aliases_.find(name);
  return safetensors_
      ? safetensors_->tensor(alias == aliases_.end() ? name : alias->second)
      : tensors_[name];
}

void write_weights(
    const std::string& path,
    const StoredWeights& weights,
    const std::map<std::string, std::string>& metadata) {
  if (is_of_end(path, kSafetensorsEnd)) {
    std::map<std::string, std::string> all = weights.aliases;
    all.emplace("format", "pt"); // transformers asks for it
    for (const auto& [key, value] : metadata) {
      TORCH_CHECK_VALUE(
          weights.aliases.count(key) == 0,
          "save_weights: the metadata '",
          key,
          "' has the name of a tensor that has several.");
      all[key] = value;
    }
    write_safetensors(path, weights.tensors, all);
    return;
  }
  const bool is_python =
      std::any_of(kPythonEnds.begin(), kPythonEnds.end(), [&](auto end) {
        return is_of_end(path, end);
      });
  TORCH_CHECK_VALUE(
      is_python,
      "save_weights: expected a path that ends in .safetensors, .pt, .pth or "
      ".bin, but got '",
      path,
      "'.");
  TORCH_CHECK_VALUE(
      metadata.empty(),
      "save_weights: there is no place for metadata in '",
      path,
      "'; a file of safetensors has one.");
  c10::Dict<std::string, at::Tensor> dict;
  for (const auto& item : weights.tensors) {
    dict.insert(item.key(), item.value());
  }
  for (const auto& [name, target] : weights.aliases) {
    dict.insert(name, weights.tensors[target]);
  }
  write_python(path, dict);
}

Renaming::Renaming(const std::vector<WeightsRename>& renames)
    : renames_(renames), has_matched_(renames.size(), false) {
  for (const auto& rename : renames) {
    auto& pattern = patterns_.emplace_back();
    try {
      if (rename.is_regex) {
        pattern.emplace(rename.from);
      }
    } catch (const std::regex_error& error) {
      TORCH_CHECK_VALUE(
          false,
          "LoadWeightsOptions::rename_pattern: '",
          rename.from,
          "' is no regular expression: ",
          error.what());
    }
  }
}

std::string Renaming::operator()(std::string name) {
  // The standard library matches by recursion: in a file that means harm, a
  // name can be longer than the stack is deep.
  constexpr size_t kLongest = 1000;
  for (size_t i = 0; i < renames_.size(); ++i) {
    const auto& [from, to, is_regex] = renames_[i];
    if (!is_regex) {
      if (name.starts_with(from)) {
        name.replace(0, from.size(), to);
        has_matched_[i] = true;
      }
      continue;
    }
    TORCH_CHECK_VALUE(
        name.size() <= kLongest,
        "LoadWeightsOptions::rename_pattern: expected names of at most ",
        kLongest,
        " bytes, but one has ",
        name.size(),
        " and begins with '",
        name.substr(0, 40),
        "'.");
    try {
      if (std::regex_search(name, *patterns_[i])) {
        name = std::regex_replace(name, *patterns_[i], to);
        has_matched_[i] = true;
      }
    } catch (const std::regex_error& error) {
      TORCH_CHECK_VALUE(
          false,
          "LoadWeightsOptions::rename_pattern: '",
          from,
          "' cannot be matched with '",
          name,
          "': ",
          error.what());
    }
  }
  return name;
}

std::vector<std::string> Renaming::without_match() const {
  std::vector<std::string> without;
  for (size_t i = 0; i < renames_.size(); ++i) {
    if (!has_matched_[i]) {
      without.push_back(renames_[i].from);
    }
  }
  return without;
}

std::string bytes_of(const at::Tensor& tensor) {
  const at::Tensor host =
      tensor.detach().resolve_conj().resolve_neg().cpu().contiguous();
  return {static_cast<const char*>(host.const_data_ptr()), host.nbytes()};
}

} // namespace polytask::io::detail
