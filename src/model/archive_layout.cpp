// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "model/archive_layout.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>
#include <utility>

namespace polytask::detail {

namespace {

using torch::serialize::InputArchive;
using torch::serialize::OutputArchive;

// One level of an archive: modules that have a state, and those without.
struct Level {
  struct Module {
    std::string key;
    InputArchive archive;
  };
  std::vector<std::pair<std::string, c10::IValue>> values;
  std::vector<Module> modules;
  std::vector<Module> empty_modules;
};

bool has_state(InputArchive& archive) {
  for (const auto& key : archive.keys()) {
    InputArchive child;
    if (!archive.try_read(key, child) || has_state(child)) {
      return true;
    }
  }
  return false;
}

Level level_of(InputArchive& archive, const std::vector<std::string>& ignored) {
  Level level;
  for (const auto& key : archive.keys()) {
    if (std::find(ignored.begin(), ignored.end(), key) != ignored.end()) {
      continue;
    }
    InputArchive child;
    if (archive.try_read(key, child)) {
      auto& modules = has_state(child) ? level.modules : level.empty_modules;
      modules.push_back({key, std::move(child)});
    } else {
      c10::IValue value;
      archive.read(key, value);
      level.values.emplace_back(key, std::move(value));
    }
  }
  return level;
}

// Their places by key.
template <typename Entries, typename Key>
std::unordered_map<std::string, size_t> places_of(
    const Entries& entries, const Key& key_of) {
  std::unordered_map<std::string, size_t> places;
  for (size_t i = 0; i < entries.size(); ++i) {
    places.emplace(key_of(entries[i]), i);
  }
  return places;
}

const std::string& key_of_value(
    const std::pair<std::string, c10::IValue>& entry) {
  return entry.first;
}

const std::string& key_of_module(const Level::Module& module) {
  return module.key;
}

bool is_number(const std::string& key) {
  return std::all_of(key.begin(), key.end(), [](char symbol) {
    return symbol >= '0' && symbol <= '9';
  });
}

bool are_numbered(const std::vector<Level::Module>& modules) {
  return std::all_of(modules.begin(), modules.end(), [](const auto& module) {
    return is_number(module.key);
  });
}

void sort_by_number(std::vector<Level::Module>& modules) {
  std::sort(modules.begin(), modules.end(), [](const auto& a, const auto& b) {
    return std::stoull(a.key) < std::stoull(b.key);
  });
}

class Fitting {
 public:
  Fitting(const std::vector<std::string>& ignored, const KeyName& name)
      : ignored_(ignored), name_(name) {}

  // Into `fitted`, unless that is null, what `own` has, with the tensors of
  // `stored`.
  void fit(
      InputArchive& own,
      InputArchive& stored,
      const std::string& prefix,
      OutputArchive* fitted) {
    Level ours = level_of(own, prefix.empty() ? ignored_ : kNone);
    Level theirs = level_of(stored, prefix.empty() ? ignored_ : kNone);
    pair_modules(ours, theirs, prefix);
    fit_values(ours, theirs, prefix, fitted);
    for (size_t i = 0; i < ours.modules.size(); ++i) {
      auto& module = ours.modules[i];
      in_child(fitted, module.key, [&](OutputArchive* child) {
        fit(module.archive,
            theirs.modules[i].archive,
            name_(prefix, module.key) + ".",
            child);
      });
    }
    for (auto& module : ours.empty_modules) {
      is_same_ = is_same_ && has_modules(module, stored);
      in_child(fitted, module.key, [&](OutputArchive* child) {
        copy_empty(module.archive, child);
      });
    }
  }

  /// Whether LibTorch's load can read the archive as it is.
  bool is_same() const {
    return is_same_;
  }

 private:
  // A module without a state, and all within it.
  static bool has_modules(Level::Module& module, InputArchive& archive) {
    InputArchive child;
    if (!archive.try_read(module.key, child)) {
      return false;
    }
    for (const auto& key : module.archive.keys()) {
      Level::Module inner{key, {}};
      module.archive.read(key, inner.archive);
      if (!has_modules(inner, child)) {
        return false;
      }
    }
    return true;
  }

  template <typename Visit>
  static void in_child(
      OutputArchive* fitted, const std::string& key, const Visit& visit) {
    if (!fitted) {
      visit(static_cast<OutputArchive*>(nullptr));
      return;
    }
    OutputArchive child(fitted->compilation_unit());
    visit(&child);
    fitted->write(key, child);
  }

  static void copy_empty(InputArchive& from, OutputArchive* to) {
    for (const auto& key : from.keys()) {
      InputArchive inner;
      from.read(key, inner);
      in_child(
          to, key, [&](OutputArchive* child) { copy_empty(inner, child); });
    }
  }

  void fit_values(
      const Level& ours,
      const Level& theirs,
      const std::string& prefix,
      OutputArchive* fitted) {
    const auto their_places = places_of(theirs.values, key_of_value);
    for (const auto& [key, own] : ours.values) {
      const auto found = their_places.find(key);
      TORCH_CHECK_VALUE(
          found != their_places.end(),
          "MultiTaskModel: the archive has no ",
          own.isTensor() ? "tensor" : "value",
          " '",
          name_(prefix, key),
          "'.");
      c10::IValue value = theirs.values[found->second].second;
      if (own.isTensor()) {
        check_tensor(own.toTensor(), value, name_(prefix, key));
        const at::Device device = own.toTensor().device();
        is_same_ = is_same_ && value.toTensor().device() == device;
        value = fitted ? c10::IValue(value.toTensor().to(device)) : value;
      }
      if (fitted) {
        fitted->write(key, value);
      }
    }
    const auto our_places = places_of(ours.values, key_of_value);
    for (const auto& entry : theirs.values) {
      refuse_further(!our_places.contains(entry.first), prefix, entry.first);
    }
  }

  // Brings their modules into the order of ours.
  void pair_modules(Level& ours, Level& theirs, const std::string& prefix) {
    if (pair_by_order(ours, theirs, prefix)) {
      return;
    }
    const auto with_state = places_of(theirs.modules, key_of_module);
    const auto without = places_of(theirs.empty_modules, key_of_module);
    std::vector<Level::Module> paired;
    for (const auto& module : ours.modules) {
      const auto found = with_state.find(module.key);
      if (found != with_state.end()) {
        paired.push_back(std::move(theirs.modules[found->second]));
        continue;
      }
      const auto empty = without.find(module.key);
      TORCH_CHECK_VALUE(
          empty != without.end(),
          "MultiTaskModel: the archive has no module '",
          name_(prefix, module.key),
          "'.");
      paired.push_back(std::move(theirs.empty_modules[empty->second]));
    }
    const auto our_places = places_of(ours.modules, key_of_module);
    for (const auto& [key, place] : with_state) {
      refuse_further(!our_places.contains(key), prefix, key);
    }
    theirs.modules = std::move(paired);
  }

  // Layers without a state shift the numbers of those behind them, and early
  // archives number the heads.
  bool pair_by_order(Level& ours, Level& theirs, const std::string& prefix) {
    const auto places = places_of(theirs.modules, key_of_module);
    const bool same_keys = std::all_of(
        ours.modules.begin(), ours.modules.end(), [&](const auto& module) {
          return places.contains(module.key);
        });
    const bool goes_by_order = prefix == "tasks." || are_numbered(ours.modules);
    if (same_keys || ours.modules.size() != theirs.modules.size() ||
        !goes_by_order || !are_numbered(theirs.modules)) {
      return false;
    }
    is_same_ = false;
    if (are_numbered(ours.modules)) {
      sort_by_number(ours.modules);
    }
    sort_by_number(theirs.modules);
    return true;
  }

  void refuse_further(
      bool is_further, const std::string& prefix, const std::string& key) {
    TORCH_CHECK_VALUE(
        !is_further,
        "MultiTaskModel: the archive has '",
        name_(prefix, key),
        "', which this model lacks.");
  }

  static void check_tensor(
      const at::Tensor& own,
      const c10::IValue& stored,
      const std::string& name) {
    TORCH_CHECK_VALUE(
        stored.isTensor(),
        "MultiTaskModel: the archive has no tensor '",
        name,
        "'.");
    const at::Tensor& tensor = stored.toTensor();
    TORCH_CHECK_VALUE(
        tensor.sizes() == own.sizes() &&
            tensor.scalar_type() == own.scalar_type(),
        "MultiTaskModel: expected '",
        name,
        "' to be ",
        own.scalar_type(),
        own.sizes(),
        ", but the archive has ",
        tensor.scalar_type(),
        tensor.sizes(),
        ".");
  }

  inline static const std::vector<std::string> kNone;

  const std::vector<std::string>& ignored_;
  const KeyName& name_;
  bool is_same_ = true;
};

} // namespace

InputArchive written_by(const std::function<void(OutputArchive&)>& write) {
  OutputArchive written;
  write(written);
  std::stringstream bytes;
  written.save_to(bytes);
  InputArchive archive;
  archive.load_from(bytes);
  return archive;
}

std::optional<InputArchive> fit_archive(
    InputArchive& own,
    InputArchive& stored,
    const std::vector<std::string>& ignored,
    const KeyName& name) {
  Fitting fitting(ignored, name);
  fitting.fit(own, stored, "", nullptr);
  if (fitting.is_same()) {
    return std::nullopt;
  }
  return written_by(
      [&](OutputArchive& fitted) { fitting.fit(own, stored, "", &fitted); });
}

} // namespace polytask::detail
