// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>

namespace polytask::io {

namespace detail {
struct ProgramFile;
} // namespace detail

/// A program that Python's `torch.export.save` wrote (PyTorch 2.8 or later), as
/// a module: its parameters and buffers have Python's names, can be trained,
/// moved, cloned and saved, and it can be a trunk, an expert or a head.
///
///     // Python: torch.export.save(torch.export.export(model, (x,),
///     //     dynamic_shapes=({0: torch.export.Dim("batch", min=1)},)),
///     "t.pt2") polytask::io::ExportedProgram trunk("t.pt2");
///     polytask::MultiTaskModel model{polytask::HardSharing(trunk)};
///     ... trained ...
///     trunk->save("trained.pt2"); // Python: torch.export.load
///
/// Export a module that is to be trained in training mode: what was exported
/// in eval mode stays in it. `eval()` turns a program that was exported in
/// training mode: dropout and stochastic depth let all through, batch norm uses
/// its running statistics, which `train()` turns back (`has_modes`). What else
/// the forward draws at random, it goes on drawing. The first step of training
/// on one that was exported in eval mode, and has batch norms, warns of it.
///
/// Nodes call LibTorch's operators with autograd. Nothing else of the file is
/// ever executed: control flow (`torch.cond`, `torch.no_grad` inside of the
/// forward), objects of classes, operators that this LibTorch has not or that
/// are none of `aten`, and those of `aten` that reach for files or for memory
/// beyond their tensors, are refused by node and name when it is loaded.
class POLYTASK_API ExportedProgramImpl : public torch::nn::Module {
 public:
  /// Throws if there is no such file, if it is no exported program, of a
  /// newer schema than this one can read, damaged, or asks for what is refused.
  /// `model` names one of several programs in the file.
  explicit ExportedProgramImpl(
      const std::string& path, const std::string& model = "");

  /// The one output of a program with one input: shapes as they were exported,
  /// [B, ...] where the batch was exported as a dynamic dimension. Throws, and
  /// names input, dimension, expected and found, where a size is another than
  /// the program's, or out of its range.
  at::Tensor forward(const at::Tensor& input);
  /// The same by the names of Python's arguments. Those inside of a tuple or
  /// dict are `argument.0` and `argument.key`.
  at::Tensor forward(const Inputs& inputs);
  /// All outputs, in the order in which Python flattens them.
  std::vector<at::Tensor> outputs(const Inputs& inputs);

  /// The names of its inputs.
  std::vector<std::string> input_names() const;
  /// Whether `train()` and `eval()` differ.
  bool has_modes() const;

  /// The program with the weights that it has now, for Python's
  /// `torch.export.load`, as "….pt2": written beside, then put in its place.
  /// Throws for another ending, if it cannot be written, or where the weights
  /// have another dtype than the program, which names it in many places.
  void save(const std::string& path) const;
  using torch::nn::Module::save; // the weights alone, for torch::save

  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  void to(torch::Device device, torch::Dtype dtype, bool non_blocking = false)
      override;
  void to(torch::Dtype dtype, bool non_blocking = false) override;
  void to(torch::Device device, bool non_blocking = false) override;
  void pretty_print(std::ostream& stream) const override;

 private:
  ExportedProgramImpl(
      std::shared_ptr<const detail::ProgramFile> file,
      std::vector<at::Tensor> weights);
  void clone_(
      torch::nn::Module& other,
      const std::optional<torch::Device>& device) override;
  void register_weights();
  std::vector<at::Tensor> kept_as_they_are() const;
  void move_others(
      const std::vector<at::Tensor>& kept,
      std::optional<torch::Device> device,
      std::optional<torch::Dtype> dtype);

  std::shared_ptr<const detail::ProgramFile> file_;
  /// In the program's order: the parameters and buffers that are registered,
  /// and what Python does not save with them: lifted constants, buffers that
  /// are not persistent.
  std::vector<at::Tensor> weights_;
  bool has_warned_ = false;
};

TORCH_MODULE(ExportedProgram);

} // namespace polytask::io
