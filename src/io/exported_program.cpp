// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/exported_program.h>

#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <ostream>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/check.h"
#include "io/exported/program_file.h"

namespace polytask::io {

namespace {

using Kind = detail::ProgramWeight::Kind;

// A module of Python's program, which is here for the names of what it holds.
class ProgramPart : public torch::nn::Module {
 public:
  explicit ProgramPart(std::string name) : Module(std::move(name)) {}
};

// The child of that name, which is made where there is none yet.
torch::nn::Module* part_of(torch::nn::Module& holder, const std::string& name) {
  const auto children = holder.named_children();
  const auto* const child = children.find(name);
  return child != nullptr
      ? child->get()
      : holder.register_module(name, std::make_shared<ProgramPart>(name)).get();
}

} // namespace

ExportedProgramImpl::ExportedProgramImpl(
    const std::string& path, const std::string& model)
    : Module("ExportedProgram") {
  auto loaded = detail::read_program(path, model);
  file_ = std::move(loaded.file);
  weights_ = std::move(loaded.weights);
  register_weights();
}

ExportedProgramImpl::ExportedProgramImpl(
    std::shared_ptr<const detail::ProgramFile> file,
    std::vector<at::Tensor> weights)
    : Module("ExportedProgram"),
      file_(std::move(file)),
      weights_(std::move(weights)) {
  register_weights();
}

// Each in a module of its name, as in Python.
void ExportedProgramImpl::register_weights() {
  const auto& known = file_->program.weights;
  for (size_t i = 0; i < known.size(); ++i) {
    if (known[i].kind == Kind::kConstant) {
      continue;
    }
    Module* holder = this;
    std::string_view rest = known[i].name;
    for (size_t dot = rest.find('.'); dot != std::string_view::npos;
         dot = rest.find('.')) {
      holder = part_of(*holder, std::string(rest.substr(0, dot)));
      rest.remove_prefix(dot + 1);
    }
    const std::string name(rest);
    if (known[i].kind == Kind::kParameter) {
      holder->register_parameter(
          name, weights_[i], weights_[i].requires_grad());
    } else {
      holder->register_buffer(name, weights_[i]);
    }
  }
}

at::Tensor ExportedProgramImpl::forward(const at::Tensor& input) {
  return forward(Inputs(input));
}

at::Tensor ExportedProgramImpl::forward(const Inputs& inputs) {
  auto results = outputs(inputs);
  TORCH_CHECK_VALUE(
      results.size() == 1,
      "ExportedProgram: forward gives one tensor, and the program has ",
      results.size(),
      " outputs; outputs() gives all.");
  return std::move(results[0]);
}

std::vector<at::Tensor> ExportedProgramImpl::outputs(const Inputs& inputs) {
  const auto& program = file_->program;
  std::vector<at::Tensor> given;
  given.reserve(program.inputs.size());
  if (program.inputs.size() == 1 && inputs.is_tensor()) {
    given.push_back(inputs.tensor());
  } else {
    for (const auto& input : program.inputs) {
      TORCH_CHECK_VALUE(
          inputs.has(input.name),
          "ExportedProgram: the input '",
          input.name,
          "' is missing; the program takes ",
          polytask::detail::quoted(input_names()),
          ", and there are ",
          polytask::detail::quoted(inputs.names()),
          ".");
      given.push_back(inputs[input.name]);
    }
  }
  for (size_t i = 0; i < given.size(); ++i) {
    TORCH_CHECK_VALUE(
        given[i].defined(),
        "ExportedProgram: the input '",
        program.inputs[i].name,
        "' is undefined.");
  }
  try {
    return program.run(weights_, given, is_training());
  } catch (const c10::Error&) {
    polytask::detail::rethrow_with("ExportedProgram: ");
  }
}

std::vector<std::string> ExportedProgramImpl::input_names() const {
  std::vector<std::string> names;
  for (const auto& input : file_->program.inputs) {
    names.push_back(input.name);
  }
  return names;
}

bool ExportedProgramImpl::has_modes() const {
  return file_->program.has_modes;
}

void ExportedProgramImpl::save(const std::string& path) const {
  detail::write_program(path, *file_, weights_);
}

std::shared_ptr<torch::nn::Module> ExportedProgramImpl::clone(
    const std::optional<torch::Device>& device) const {
  const at::NoGradGuard no_grad;
  // One that has several names is one in the copy, too.
  std::unordered_map<c10::TensorImpl*, at::Tensor> copies;
  std::vector<at::Tensor> weights = weights_;
  for (auto& weight : weights) {
    at::Tensor& copy = copies[weight.unsafeGetTensorImpl()];
    if (!copy.defined()) {
      copy = weight.detach().to(
          device.value_or(weight.device()),
          weight.scalar_type(),
          /*non_blocking=*/false,
          /*copy=*/true);
      copy.requires_grad_(weight.requires_grad());
    }
    weight = copy;
  }
  std::shared_ptr<ExportedProgramImpl> copy(
      new ExportedProgramImpl(file_, std::move(weights)));
  copy->train(is_training());
  return copy;
}

void ExportedProgramImpl::clone_(
    torch::nn::Module& other, const std::optional<torch::Device>& device) {
  const auto copy = other.clone(device);
  auto* const program = dynamic_cast<ExportedProgramImpl*>(copy.get());
  TORCH_CHECK(program != nullptr, "ExportedProgram: cloned from another kind.");
  *this = *program;
}

void ExportedProgramImpl::to(
    torch::Device device, torch::Dtype dtype, bool non_blocking) {
  Module::to(device, dtype, non_blocking);
  move_constants(device, dtype);
}

void ExportedProgramImpl::to(torch::Dtype dtype, bool non_blocking) {
  Module::to(dtype, non_blocking);
  move_constants(std::nullopt, dtype);
}

void ExportedProgramImpl::to(torch::Device device, bool non_blocking) {
  Module::to(device, non_blocking);
  move_constants(device, std::nullopt);
}

// As Module::to does with buffers: all go to the device, floating ones to the
// dtype.
void ExportedProgramImpl::move_constants(
    std::optional<torch::Device> device, std::optional<torch::Dtype> dtype) {
  for (size_t i = 0; i < weights_.size(); ++i) {
    auto& constant = weights_[i];
    if (file_->program.weights[i].kind != Kind::kConstant) {
      continue;
    }
    const bool changes = dtype && constant.is_floating_point();
    constant = constant.to(
        device.value_or(constant.device()),
        changes ? *dtype : constant.scalar_type());
  }
}

void ExportedProgramImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::io::ExportedProgram(inputs="
         << polytask::detail::quoted(input_names())
         << ", outputs=" << file_->program.outputs.size()
         << ", nodes=" << file_->program.steps.size() << ")";
}

} // namespace polytask::io
