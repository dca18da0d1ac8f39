// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>
#include <torch/nn/module.h>

#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::io {

/// What becomes of a name: a prefix, or the matches of a regular expression.
struct WeightsRename {
  std::string from;
  std::string to;
  bool is_regex;
};

struct POLYTASK_API SaveWeightsOptions {
  using Metadata = std::map<std::string, std::string>;

  /// What a file of safetensors says beside; Python's files have no place for
  /// it, and it is refused there.
  TORCH_ARG(Metadata, metadata);

 public:
  /// A name of the module that begins with `from` begins with `to` in the file.
  /// Several calls work one after the other, in their order.
  SaveWeightsOptions& rename(std::string from, std::string to);
  const std::vector<WeightsRename>& renames() const {
    return renames_;
  }

 private:
  std::vector<WeightsRename> renames_;
};

/// Writes the parameters and buffers of any `torch::nn` module by their names,
/// as Python's `state_dict()` has them, and puts the file in place when it is
/// complete:
///  - "….safetensors": Hugging Face's format. Of a tensor that has several
///    names, the first is written, and the others are metadata, as
///    `safetensors.torch.save_model` does it.
///  - "….pt", "….pth", "….bin": what `torch.load(path, weights_only=True)` and
///    `load_state_dict(strict=True)` take. All names are written, and share
///    their memory there, too.
///
/// Throws `c10::ValueError` for another ending, for a module without a tensor
/// or with a parameter and a buffer of one name, for two that would get one,
/// and with the tensor's name for one that the format cannot hold; `c10::Error`
/// if the file cannot be written. Then the old file is there.
POLYTASK_API void save_weights(
    const torch::nn::Module& module,
    const std::string& path,
    const SaveWeightsOptions& options = {});

struct POLYTASK_API LoadWeightsOptions {
  /// Throws where a tensor of the module is missing in the file, where one of
  /// the file is none of the module's, and where shape or dtype differ. Without
  /// it, the rest is loaded; LoadedWeights says what was not.
  TORCH_ARG(bool, strict) = true;
  /// Takes tensors of another dtype, and makes them the module's; complex ones
  /// never become real.
  TORCH_ARG(bool, cast) = false;
  /// Where in a checkpoint of Python's the state dict is. Empty: the file is
  /// one, or has one under "model", "state_dict" or "model_state_dict".
  TORCH_ARG(std::string, key);
  /// Takes the names in the file that begin with it, and takes it off them: of
  /// a whole model's file, "sharing.trunk." is its trunk as a module by itself.
  /// What else the file has is left alone. Strict, a prefix that no name has is
  /// refused. Comes before `rename`.
  TORCH_ARG(std::string, from);
  /// Moves the module there when all is loaded.
  TORCH_ARG(std::optional<torch::Device>, device) = std::nullopt;

 public:
  /// A name in the file that begins with `from` begins with `to` instead: one
  /// of the module's. Several calls, and those of `rename_pattern`, work one
  /// after the other, in their order.
  LoadWeightsOptions& rename(std::string from, std::string to);
  /// All matches of a regular expression (ECMAScript's) in the file's names are
  /// replaced; `$1` is its first group. Names longer than 1000 bytes are
  /// refused.
  LoadWeightsOptions& rename_pattern(std::string regex, std::string to);
  /// Looks only at names of the module that begin with it, such as
  /// "sharing.trunk."; of several calls, with one of them. What else the file
  /// or the module has is left alone, and is not missed. Strict, it refuses a
  /// prefix that neither has.
  LoadWeightsOptions& only(std::string prefix);

  const std::vector<WeightsRename>& renames() const {
    return renames_;
  }
  const std::vector<std::string>& prefixes() const {
    return prefixes_;
  }

 private:
  std::vector<WeightsRename> renames_;
  std::vector<std::string> prefixes_;
};

/// What came of it. Names are the module's, or would be; all in their order.
struct LoadedWeights {
  struct Misfit {
    std::string name;
    std::vector<int64_t> expected_sizes;
    std::vector<int64_t> found_sizes;
    at::ScalarType expected_dtype;
    at::ScalarType found_dtype;
  };

  std::vector<std::string> loaded;
  /// The module's, for which the file has nothing.
  std::vector<std::string> missing;
  /// The file's, which the module does not have.
  std::vector<std::string> unexpected;
  std::vector<Misfit> misfits;
  /// Loaded, and hold NaN or infinity in the module's dtype.
  std::vector<std::string> not_finite;

  /// Whether all fitted.
  bool is_complete() const {
    return missing.empty() && unexpected.empty() && misfits.empty();
  }
};

/// "12 loaded; missing: 'tasks.speed.weight'; …".
POLYTASK_API std::ostream& operator<<(
    std::ostream& stream, const LoadedWeights& loaded);

/// Loads what `save_weights` or Python wrote into any `torch::nn` module: a
/// file of safetensors, or of `torch.save` (see read_python for what it may
/// hold). Values are copied into the module's own tensors, on whichever device
/// they are, so that optimizers keep them; a tensor that has several names in
/// the module needs one of them in the file. Further names in the metadata of a
/// file of safetensors are taken where the module has them.
///
///     auto loaded = polytask::io::load_weights(
///         *model, "backbone.pt", polytask::io::LoadWeightsOptions()
///             .strict(false).rename("encoder.", "sharing.trunk."));
///     std::cout << loaded << '\n';
///
/// Throws `c10::ValueError`, and changes nothing: where the file cannot be read
/// or holds no weights; where it is strict and something does not fit, all of
/// which the error lists by name; where two names of the file become one, or a
/// tensor that has several names has several values; where one of the module's
/// tensors cannot be copied into: on the device meta, expanded, sparse,
/// quantized, or made in inference mode. `c10::Error`, with nothing changed, if
/// there is no such `device`.
POLYTASK_API LoadedWeights load_weights(
    torch::nn::Module& module,
    const std::string& path,
    const LoadWeightsOptions& options = {});

} // namespace polytask::io
