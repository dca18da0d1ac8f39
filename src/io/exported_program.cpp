// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/exported_program.h>

#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <ostream>
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

bool is_integer(const at::Tensor& tensor) {
  return !tensor.is_floating_point() && !tensor.is_complex();
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
  std::unordered_map<std::string, Module*> parts;
  for (size_t i = 0; i < known.size(); ++i) {
    if (known[i].kind == Kind::kConstant) {
      continue;
    }
    Module* holder = this;
    const std::string& path = known[i].name;
    size_t begin = 0;
    for (size_t dot = path.find('.'); dot != std::string::npos;
         dot = path.find('.', begin)) {
      Module*& part = parts[path.substr(0, dot)];
      if (part == nullptr) {
        const std::string child = path.substr(begin, dot - begin);
        part =
            holder->register_module(child, std::make_shared<ProgramPart>(child))
                .get();
      }
      holder = part;
      begin = dot + 1;
    }
    const std::string name = path.substr(begin);
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
  if (is_training() && program.has_norms_of_eval && !has_warned_ &&
      at::GradMode::is_enabled()) {
    has_warned_ = true;
    TORCH_WARN(
        "ExportedProgram: the program was exported in eval mode: its batch "
        "norms go by their running statistics in training, too. Export the "
        "module in training mode, or say eval().");
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
  TORCH_CHECK_VALUE(
      path.ends_with(".pt2"),
      "ExportedProgram: expected a path that ends in .pt2, as Python does, but "
      "got '",
      path,
      "'.");
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
  const auto before = kept_as_they_are();
  Module::to(device, dtype, non_blocking);
  move_others(before, device, dtype);
}

void ExportedProgramImpl::to(torch::Dtype dtype, bool non_blocking) {
  const auto before = kept_as_they_are();
  Module::to(dtype, non_blocking);
  move_others(before, std::nullopt, dtype);
}

void ExportedProgramImpl::to(torch::Device device, bool non_blocking) {
  Module::to(device, non_blocking);
  move_others({}, device, std::nullopt);
}

std::vector<at::Tensor> ExportedProgramImpl::kept_as_they_are() const {
  std::vector<at::Tensor> kept(weights_.size());
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (is_integer(weights_[i])) {
      kept[i] = weights_[i].detach();
    }
  }
  return kept;
}

// As Module::to in Python: all go to the device, and to the dtype those that
// are no integers. LibTorch's turns the registered integers into others, too.
void ExportedProgramImpl::move_others(
    const std::vector<at::Tensor>& kept,
    std::optional<torch::Device> device,
    std::optional<torch::Dtype> dtype) {
  for (size_t i = 0; i < weights_.size(); ++i) {
    auto& weight = weights_[i];
    const auto to = device.value_or(weight.device());
    if (file_->program.weights[i].kind == Kind::kConstant) {
      weight = weight.to(
          to, dtype && !is_integer(weight) ? *dtype : weight.scalar_type());
    } else if (!kept.empty() && kept[i].defined()) {
      weight.set_data(kept[i].to(to));
    }
  }
}

void ExportedProgramImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::io::ExportedProgram(inputs="
         << polytask::detail::quoted(input_names())
         << ", outputs=" << file_->program.outputs.size()
         << ", nodes=" << file_->program.steps.size() << ")";
}

} // namespace polytask::io
