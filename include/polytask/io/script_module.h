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
struct ScriptFile;
} // namespace detail

/// A module that Python's `torch.jit.save` wrote, scripted or traced: its
/// parameters and buffers have Python's names, can be trained, moved, cloned
/// and saved, and it can be a trunk, an expert or a head. It is for those who
/// have such files: PyTorch 2.11 deprecates TorchScript, and `ExportedProgram`
/// reads what took its place.
///
///     // Python: torch.jit.script(model).save("trunk.pt")
///     polytask::io::ScriptModule trunk("trunk.pt");
///     polytask::MultiTaskModel model{polytask::HardSharing(trunk)};
///     ... trained ...
///     trunk->save("trained.pt"); // Python: torch.jit.load
///
/// `train()` and `eval()` are those of the script. It begins in the mode in
/// which it was saved; what was traced stays in the mode in which it was
/// traced, whatever is called.
///
/// Trust a file as you would a program. `forward` runs its code in
/// TorchScript's interpreter, operator by operator and with LibTorch's own
/// autograd: without TorchScript's optimizer, whose fused kernels and
/// derivatives round otherwise. Loading runs no code but that of a
/// `__setstate__`, which few modules have.
class POLYTASK_API ScriptModuleImpl : public torch::nn::Module {
 public:
  /// All tensors come to the host, and require a gradient where they do in the
  /// file. Throws `c10::ValueError` with the path if there is no such file; if
  /// it is another kind of file, and says which and what reads it; if a newer
  /// PyTorch wrote it, or it is damaged; if it has no `forward`, or one with an
  /// argument that can be no tensor and has no default.
  explicit ScriptModuleImpl(const std::string& path);

  /// The one output of a `forward` that needs one argument, or, where all have
  /// defaults, is given its first tensor. Throws what the script throws, with
  /// TorchScript's message, and where the output is no tensor.
  at::Tensor forward(const at::Tensor& input);
  /// The same by the names of Python's arguments. Those with a default may be
  /// missing; names that are no arguments are left to others. One tensor, under
  /// whatever name, is the only argument that is needed.
  at::Tensor forward(const Inputs& inputs);
  /// All tensors that it gives, in tuples, lists and dicts, in their order.
  std::vector<at::Tensor> outputs(const Inputs& inputs);

  /// The arguments of its `forward` that can be given.
  std::vector<std::string> input_names() const;

  /// The script with the weights and in the mode that it has now, and with the
  /// extra files it had, for Python's `torch.jit.load`: written beside, then
  /// put in its place. Throws if it cannot be written.
  void save(const std::string& path) const;
  using torch::nn::Module::save; // what torch::save calls

  void train(bool on = true) override;
  /// Copies all tensors that it holds; what has several names has them in the
  /// copy, too.
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;
  /// Moves parameters, buffers and attributes that are tensors or hold some; as
  /// in Python, a dtype is for those in floating point. What was traced as a
  /// constant stays what it was: trace on the device that it is to run on.
  void to(torch::Device device, torch::Dtype dtype, bool non_blocking = false)
      override;
  void to(torch::Dtype dtype, bool non_blocking = false) override;
  void to(torch::Device device, bool non_blocking = false) override;
  void pretty_print(std::ostream& stream) const override;

 private:
  explicit ScriptModuleImpl(std::shared_ptr<detail::ScriptFile> file);
  void clone_(
      torch::nn::Module& other,
      const std::optional<torch::Device>& device) override;

  std::shared_ptr<detail::ScriptFile> file_;
};

TORCH_MODULE(ScriptModule);

} // namespace polytask::io
