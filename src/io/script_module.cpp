// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/script_module.h>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <exception>
#include <ostream>
#include <utility>

#include "core/check.h"
#include "io/script_file.h"

namespace polytask::io {

namespace {

using detail::ScriptArgument;
using detail::ScriptFile;

// A module inside the script, which is here for the names of what it holds.
class ScriptPart : public torch::nn::Module {
 public:
  explicit ScriptPart(std::string name) : Module(std::move(name)) {}
};

void register_script(
    torch::nn::Module& holder, const torch::jit::Module& script) {
  const auto type = script.type();
  for (size_t i = 0; i < type->numAttributes(); ++i) {
    const std::string& name = type->getAttributeName(i);
    const c10::IValue value = script._ivalue()->getSlot(i);
    if (type->getAttribute(i)->is_module() && value.isObject()) {
      const auto part =
          holder.register_module(name, std::make_shared<ScriptPart>(name));
      register_script(*part, torch::jit::Module(value.toObject()));
    } else if (!value.isTensor() || !value.toTensor().defined()) {
      continue;
    } else if (type->is_parameter(i)) {
      const at::Tensor& weight = value.toTensor();
      holder.register_parameter(name, weight, weight.requires_grad());
    } else if (type->is_buffer(i)) {
      holder.register_buffer(name, value.toTensor());
    }
  }
}

std::vector<std::string> script_input_names(const ScriptFile& file) {
  std::vector<std::string> names;
  for (const auto& argument : file.arguments) {
    if (argument.takes_tensor) {
      names.push_back(argument.name);
    }
  }
  return names;
}

c10::IValue script_value(
    const ScriptArgument& argument, const at::Tensor& tensor) {
  TORCH_CHECK_VALUE(
      argument.takes_tensor,
      "ScriptModule: the argument '",
      argument.name,
      "' is of the type ",
      argument.type,
      ", and cannot be given a tensor.");
  TORCH_CHECK_VALUE(
      tensor.defined(),
      "ScriptModule: the input '",
      argument.name,
      "' is undefined.");
  return tensor;
}

// Whether a lone tensor is named as an argument that it is not for.
bool names_another_argument(const ScriptFile& file, const Inputs& inputs) {
  for (size_t i = 0; i < file.arguments.size(); ++i) {
    if (i != file.sole_argument && inputs.has(file.arguments[i].name)) {
      return true;
    }
  }
  return false;
}

// A value for each argument.
std::vector<c10::IValue> script_values_alone(
    const ScriptFile& file, const at::Tensor& tensor) {
  std::vector<c10::IValue> values;
  for (size_t i = 0; i < file.arguments.size(); ++i) {
    const auto& argument = file.arguments[i];
    values.push_back(
        i == file.sole_argument ? script_value(argument, tensor)
                                : *argument.default_value);
  }
  return values;
}

std::vector<c10::IValue> script_values_by_name(
    const ScriptFile& file, const Inputs& inputs) {
  std::vector<c10::IValue> values;
  for (const auto& argument : file.arguments) {
    const bool is_given = inputs.has(argument.name);
    TORCH_CHECK_VALUE(
        is_given || argument.default_value,
        "ScriptModule: the input '",
        argument.name,
        "' is missing; forward takes ",
        polytask::detail::quoted(script_input_names(file)),
        ", and there are ",
        polytask::detail::quoted(inputs.names()),
        ".");
    values.push_back(
        is_given ? script_value(argument, inputs[argument.name])
                 : *argument.default_value);
  }
  return values;
}

std::vector<c10::IValue> script_values(
    const ScriptFile& file, const Inputs& inputs) {
  return file.sole_argument && inputs.is_tensor() &&
          !names_another_argument(file, inputs)
      ? script_values_alone(file, inputs.tensor())
      : script_values_by_name(file, inputs);
}

c10::IValue call_script(ScriptFile& file, std::vector<c10::IValue> values) {
  // TorchScript's optimizer looks on in the first call and gives the next ones
  // another graph, whose derivatives are its own.
  const torch::jit::GraphOptimizerEnabledGuard as_written(false);
  try {
    return file.module.forward(std::move(values));
  } catch (const c10::Error&) {
    polytask::detail::rethrow_with("ScriptModule: ");
  } catch (const std::exception& error) { // all that the interpreter throws
    TORCH_CHECK(false, "ScriptModule: ", error.what());
  }
}

void add_script_tensors(
    const c10::IValue& value, std::vector<at::Tensor>& tensors) {
  if (value.isTensor()) {
    tensors.push_back(value.toTensor());
  } else if (value.isTuple()) {
    for (const auto& element : value.toTupleRef().elements()) {
      add_script_tensors(element, tensors);
    }
  } else if (value.isList()) {
    for (const c10::IValue& element : value.toListRef()) {
      add_script_tensors(element, tensors);
    }
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      add_script_tensors(entry.value(), tensors);
    }
  } else {
    TORCH_CHECK_VALUE(
        false,
        "ScriptModule: forward has to give tensors, or tuples, lists and dicts "
        "of them, but gives a value of the type ",
        value.isNone() ? "None" : value.type()->annotation_str(),
        ".");
  }
}

at::Tensor only_script_tensor(const c10::IValue& value) {
  if (value.isTensor()) {
    return value.toTensor();
  }
  std::vector<at::Tensor> tensors;
  add_script_tensors(value, tensors);
  TORCH_CHECK_VALUE(
      tensors.size() == 1,
      "ScriptModule: forward gives one tensor, and the script gives ",
      tensors.size(),
      "; outputs() gives all.");
  return tensors[0];
}

// The tensors stay the ones they are, as in Module::to, which would make
// floating ones of all.
void move_script(
    const ScriptFile& file,
    std::optional<torch::Device> device,
    std::optional<torch::Dtype> dtype,
    bool non_blocking) {
  const at::NoGradGuard no_grad;
  for (const at::Tensor& tensor : file.tensors()) {
    const auto moved = tensor.to(
        device.value_or(tensor.device()),
        dtype && tensor.is_floating_point() ? *dtype : tensor.scalar_type(),
        non_blocking);
    if (!moved.is_same(tensor)) {
      tensor.set_data(moved);
    }
  }
}

} // namespace

ScriptModuleImpl::ScriptModuleImpl(const std::string& path)
    : ScriptModuleImpl(detail::read_script(path)) {}

ScriptModuleImpl::ScriptModuleImpl(std::shared_ptr<ScriptFile> file)
    : Module("ScriptModule"), file_(std::move(file)) {
  register_script(*this, file_->module);
  // torch.jit.freeze takes modules in eval mode, and the attribute from them.
  Module::train(
      file_->module.hasattr("training") && file_->module.is_training());
}

at::Tensor ScriptModuleImpl::forward(const at::Tensor& input) {
  return only_script_tensor(call_script(
      *file_,
      file_->sole_argument ? script_values_alone(*file_, input)
                           : script_values_by_name(*file_, Inputs(input))));
}

at::Tensor ScriptModuleImpl::forward(const Inputs& inputs) {
  return only_script_tensor(call_script(*file_, script_values(*file_, inputs)));
}

std::vector<at::Tensor> ScriptModuleImpl::outputs(const Inputs& inputs) {
  std::vector<at::Tensor> tensors;
  add_script_tensors(
      call_script(*file_, script_values(*file_, inputs)), tensors);
  return tensors;
}

std::vector<std::string> ScriptModuleImpl::input_names() const {
  return script_input_names(*file_);
}

void ScriptModuleImpl::save(const std::string& path) const {
  detail::write_script(path, *file_);
}

void ScriptModuleImpl::train(bool on) {
  Module::train(on);
  file_->module.train(on);
}

std::shared_ptr<torch::nn::Module> ScriptModuleImpl::clone(
    const std::optional<torch::Device>& device) const {
  auto file = detail::copy_script(*file_);
  if (device) {
    move_script(*file, *device, std::nullopt, /*non_blocking=*/false);
  }
  std::shared_ptr<ScriptModuleImpl> copy(new ScriptModuleImpl(std::move(file)));
  copy->Module::train(is_training());
  return copy;
}

void ScriptModuleImpl::clone_(
    torch::nn::Module& other, const std::optional<torch::Device>& device) {
  const auto copy = other.clone(device);
  auto* const script = dynamic_cast<ScriptModuleImpl*>(copy.get());
  TORCH_CHECK(script != nullptr, "ScriptModule: cloned from another kind.");
  *this = *script;
}

void ScriptModuleImpl::to(
    torch::Device device, torch::Dtype dtype, bool non_blocking) {
  move_script(*file_, device, dtype, non_blocking);
}

void ScriptModuleImpl::to(torch::Dtype dtype, bool non_blocking) {
  move_script(*file_, std::nullopt, dtype, non_blocking);
}

void ScriptModuleImpl::to(torch::Device device, bool non_blocking) {
  move_script(*file_, device, std::nullopt, non_blocking);
}

void ScriptModuleImpl::pretty_print(std::ostream& stream) const {
  stream << "polytask::io::ScriptModule(inputs="
         << polytask::detail::quoted(input_names()) << ")";
}

} // namespace polytask::io
