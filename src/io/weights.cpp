// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/weights.h>

#include <ATen/MemoryOverlap.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <sstream>
#include <unordered_set>

#include "core/check.h"
#include "io/own_weights.h"
#include "io/rename_hint.h"
#include "io/weights_file.h"

namespace polytask::io {

namespace {

using detail::OwnWeight;

// A value of the file on its way to one of the module's tensors.
struct Transfer {
  std::string name;
  at::Tensor to;
  at::Tensor value;
};

// Why nothing can be copied into a tensor; empty where it can.
std::string obstacle_of_target(const at::Tensor& tensor) {
  if (tensor.is_meta() || tensor._is_zerotensor()) {
    return "has no memory for values (on the device meta, to_empty() gives "
           "some)";
  }
  if (tensor.layout() != at::kStrided || tensor.is_quantized() ||
      tensor.is_nested()) {
    return "is sparse, quantized or nested, which no file of weights holds";
  }
  if (tensor.is_inference() && !c10::InferenceMode::is_enabled()) {
    return "was made in inference mode, and can be changed only there";
  }
  if (at::has_internal_overlap(tensor) == at::MemOverlap::Yes) {
    return "is expanded: several of its elements are one in memory";
  }
  return "";
}

bool is_all_finite(const at::Tensor& value) {
  if (value.numel() == 0 ||
      !(value.is_floating_point() || value.is_complex())) {
    return true;
  }
  if (value.element_size() > 1) {
    return at::isfinite(value).all().item<bool>();
  }
  // With so short numbers, LibTorch does not count; those of 4 bits are finite.
  return !at::isFloat8Type(value.scalar_type()) ||
      at::isfinite(value.to(at::kFloat)).all().item<bool>();
}

void list_names(
    std::ostream& stream,
    const char* what,
    const std::vector<std::string>& names) {
  if (!names.empty()) {
    stream << "; " << what << ": " << polytask::detail::quoted(names);
  }
}

void tell(
    std::ostream& stream,
    const LoadedWeights& loaded,
    const char* what_those_are) {
  stream << loaded.loaded.size() << ' ' << what_those_are;
  list_names(stream, "missing", loaded.missing);
  list_names(stream, "unexpected", loaded.unexpected);
  for (const auto& misfit : loaded.misfits) {
    stream << "; '" << misfit.name << "' is " << misfit.expected_dtype << ' '
           << at::IntArrayRef(misfit.expected_sizes) << " in the module and "
           << misfit.found_dtype << ' ' << at::IntArrayRef(misfit.found_sizes)
           << " in the file";
  }
  list_names(stream, "not finite", loaded.not_finite);
}

class WeightsLoader {
 public:
  WeightsLoader(
      const torch::nn::Module& module, const LoadWeightsOptions& options)
      : options_(options), own_(detail::own_weights(module)) {}

  LoadedWeights load(const std::string& path) {
    detail::WeightsFile file(path, options_.key());
    const auto names = renamed_names(file);
    check_prefixes(names);
    for (const auto& weight : own_) {
      find(weight, names, file);
    }
    for (const auto& [name, in_file] : names) { // sorted
      if (used_.count(name) == 0 && !file.is_alias(in_file)) {
        result_.unexpected.push_back(name);
      }
    }
    if (options_.strict() && !result_.is_complete()) {
      refuse(names, file);
    }
    if (options_.device()) {
      check_device(*options_.device());
    }
    const at::NoGradGuard no_grad;
    for (auto& transfer : transfers_) { // what may fail comes first
      prepare(transfer);
    }
    for (const auto& transfer : transfers_) {
      transfer.to.copy_(transfer.value);
    }
    return std::move(result_);
  }

 private:
  // The module's names for those of the file, without those nobody asked for.
  std::map<std::string, std::string> renamed_names(
      const detail::WeightsFile& file) {
    const std::string& from = options_.from();
    detail::Renaming renamed(options_.renames());
    std::map<std::string, std::string> names;
    bool has_from = false;
    for (const auto& in_file : file.names()) { // aliases come last
      if (!in_file.starts_with(from)) {
        continue;
      }
      has_from = true;
      const std::string name = renamed(in_file.substr(from.size()));
      if (!is_wanted(name)) {
        left_out_.push_back(in_file);
        continue;
      }
      const auto [other, is_new] = names.emplace(name, in_file);
      TORCH_CHECK_VALUE(
          is_new || file.is_alias(in_file),
          "'",
          other->second,
          "' and '",
          in_file,
          "' would both be '",
          name,
          "'.");
    }
    TORCH_CHECK_VALUE(
        has_from || !options_.strict(),
        "LoadWeightsOptions::from: no name in the file begins with '",
        from,
        "'.");
    without_match_ = renamed.without_match();
    return names;
  }

  bool is_wanted(const std::string& name) const {
    const auto& prefixes = options_.prefixes();
    return prefixes.empty() ||
        std::any_of(prefixes.begin(), prefixes.end(), [&](const auto& prefix) {
             return name.starts_with(prefix);
           });
  }

  // A prefix of nothing at all would load nothing, and miss nothing.
  void check_prefixes(const std::map<std::string, std::string>& names) const {
    for (const auto& prefix : options_.prefixes()) {
      const auto in_file = names.lower_bound(prefix);
      const bool is_any =
          (in_file != names.end() && in_file->first.starts_with(prefix)) ||
          std::any_of(own_.begin(), own_.end(), [&](const OwnWeight& weight) {
            return std::any_of(
                weight.names.begin(), weight.names.end(), [&](const auto& own) {
                  return own.starts_with(prefix);
                });
          });
      TORCH_CHECK_VALUE(
          is_any || !options_.strict(),
          "LoadWeightsOptions::only: neither the module nor the file has a "
          "name that begins with '",
          prefix,
          "'.");
    }
  }

  void find(
      const OwnWeight& weight,
      const std::map<std::string, std::string>& names,
      const detail::WeightsFile& file) {
    at::Tensor value;
    std::string found_as;
    const std::string* asked = nullptr;
    for (const auto& name : weight.names) {
      if (!is_wanted(name)) {
        continue;
      }
      asked = asked == nullptr ? &name : asked;
      const auto found = names.find(name);
      if (found == names.end()) {
        continue;
      }
      used_.emplace(name, true);
      const at::Tensor other = file.tensor(found->second);
      TORCH_CHECK_VALUE(
          !value.defined() || same_values(value, other),
          "'",
          found_as,
          "' and '",
          name,
          "' are one tensor in the module, and two in the file.");
      value = other;
      found_as = name;
    }
    if (asked == nullptr) {
      return;
    }
    if (!value.defined()) {
      result_.missing.push_back(*asked);
    } else if (
        value.sizes() != weight.tensor.sizes() ||
        !is_fit(value.scalar_type(), weight.tensor.scalar_type())) {
      result_.misfits.push_back(
          {*asked,
           weight.tensor.sizes().vec(),
           value.sizes().vec(),
           weight.tensor.scalar_type(),
           value.scalar_type()});
    } else {
      result_.loaded.push_back(*asked);
      transfers_.push_back({*asked, weight.tensor, value});
    }
  }

  bool is_fit(at::ScalarType found, at::ScalarType own) const {
    return found == own ||
        (options_.cast() &&
         (at::isComplexType(own) || !at::isComplexType(found)));
  }

  static bool same_values(const at::Tensor& a, const at::Tensor& b) {
    return a.is_same(b) ||
        (a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         detail::bytes_of(a) == detail::bytes_of(b));
  }

  // The module goes there at the end, when it is changed already.
  static void check_device(const at::Device& device) {
    try {
      at::empty({0}, at::TensorOptions(device));
    } catch (const c10::Error&) {
      polytask::detail::rethrow_with(
          c10::str("LoadWeightsOptions::device: ", device, ": "));
    }
  }

  void prepare(Transfer& transfer) {
    const std::string obstacle = obstacle_of_target(transfer.to);
    TORCH_CHECK_VALUE(
        obstacle.empty(), "the module's '", transfer.name, "' ", obstacle, ".");
    transfer.value = transfer.value.to(transfer.to.scalar_type());
    if (!is_all_finite(transfer.value)) {
      result_.not_finite.push_back(transfer.name);
    }
    transfer.value = transfer.value.to(transfer.to.device());
  }

  [[noreturn]] void refuse(
      const std::map<std::string, std::string>& names,
      const detail::WeightsFile& file) const {
    std::ostringstream text;
    tell(text, result_, "would fit");
    TORCH_CHECK_VALUE(
        false,
        "the weights are not the module's, and nothing is changed: ",
        text.str(),
        ".",
        hint(names, file),
        " With strict(false), what fits is loaded.");
  }

  std::string hint(
      const std::map<std::string, std::string>& names,
      const detail::WeightsFile& file) const {
    std::string hint;
    for (const auto& from : without_match_) {
      hint += " No name in the file has what rename looks for: '" + from + "'.";
    }
    if (!result_.missing.empty() && !left_out_.empty()) {
      hint += c10::str(
          " only(…) leaves out ",
          left_out_.size(),
          " names of the file, such as '",
          left_out_.front(),
          "'.");
    }
    if (result_.missing.empty() && result_.unexpected.empty()) {
      const bool cast_would_do = !options_.cast() &&
          std::all_of(
              result_.misfits.begin(),
              result_.misfits.end(),
              [](const auto& misfit) {
                return misfit.expected_sizes == misfit.found_sizes;
              });
      return cast_would_do
          ? hint + " cast(true) makes them the module's dtypes."
          : hint;
    }
    return hint + detail::rename_hint(missing(), unexpected(names, file));
  }

  std::vector<detail::NamedShape> missing() const {
    const std::unordered_set<std::string> names(
        result_.missing.begin(), result_.missing.end());
    std::vector<detail::NamedShape> shapes;
    for (const auto& weight : own_) {
      for (const auto& name : weight.names) {
        if (names.contains(name)) {
          shapes.push_back({name, weight.tensor.sizes().vec()});
        }
      }
    }
    return shapes;
  }

  std::vector<detail::NamedShape> unexpected(
      const std::map<std::string, std::string>& names,
      const detail::WeightsFile& file) const {
    std::vector<detail::NamedShape> shapes;
    for (const auto& name : result_.unexpected) {
      shapes.push_back({name, file.tensor(names.at(name)).sizes().vec()});
    }
    return shapes;
  }

  const LoadWeightsOptions& options_;
  std::vector<OwnWeight> own_;
  std::map<std::string, bool> used_;
  std::vector<Transfer> transfers_;
  /// Names in the file that `only` passes over.
  std::vector<std::string> left_out_;
  /// What is to be renamed, and is not there.
  std::vector<std::string> without_match_;
  LoadedWeights result_;
};

detail::StoredWeights renamed_weights(
    const detail::StoredWeights& stored,
    const std::vector<WeightsRename>& renames) {
  detail::Renaming renamed(renames);
  detail::StoredWeights result;
  for (const auto& item : stored.tensors) {
    const std::string name = renamed(item.key());
    TORCH_CHECK_VALUE(
        !result.tensors.contains(name),
        "save_weights: two tensors, '",
        item.key(),
        "' one of them, would be '",
        name,
        "'.");
    result.tensors.insert(name, item.value());
  }
  for (const auto& [name, target] : stored.aliases) {
    result.aliases.emplace(renamed(name), renamed(target));
  }
  return result;
}

} // namespace

void save_weights(
    const torch::nn::Module& module,
    const std::string& path,
    const SaveWeightsOptions& options) {
  detail::StoredWeights stored;
  try {
    stored = detail::stored_weights(module);
  } catch (const c10::Error&) {
    polytask::detail::rethrow_with("save_weights: ");
  }
  TORCH_CHECK_VALUE(
      !stored.tensors.is_empty(),
      "save_weights: ",
      module.name(),
      " has neither parameters nor buffers.");
  if (!options.renames().empty()) {
    stored = renamed_weights(stored, options.renames());
  }
  detail::write_weights(path, stored, options.metadata());
}

SaveWeightsOptions& SaveWeightsOptions::rename(
    std::string from, std::string to) {
  renames_.push_back({std::move(from), std::move(to), false});
  return *this;
}

LoadWeightsOptions& LoadWeightsOptions::rename(
    std::string from, std::string to) {
  renames_.push_back({std::move(from), std::move(to), false});
  return *this;
}

LoadWeightsOptions& LoadWeightsOptions::rename_pattern(
    std::string regex, std::string to) {
  renames_.push_back({std::move(regex), std::move(to), true});
  return *this;
}

LoadWeightsOptions& LoadWeightsOptions::only(std::string prefix) {
  prefixes_.push_back(std::move(prefix));
  return *this;
}

std::ostream& operator<<(std::ostream& stream, const LoadedWeights& loaded) {
  tell(stream, loaded, "loaded");
  return stream;
}

LoadedWeights load_weights(
    torch::nn::Module& module,
    const std::string& path,
    const LoadWeightsOptions& options) {
  LoadedWeights loaded;
  try {
    loaded = WeightsLoader(module, options).load(path);
  } catch (const c10::Error&) {
    polytask::detail::rethrow_with("load_weights: " + path + ": ");
  }
  if (options.device()) {
    module.to(*options.device());
  }
  return loaded;
}

} // namespace polytask::io
