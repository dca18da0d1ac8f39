// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/failing_layer.h"

#include <torch/nn/modules/container/sequential.h>

#include <sstream>

namespace polytask::fit::detail {

namespace {

std::string described(
    const torch::nn::Module& module,
    const std::string& name,
    const at::Tensor& input) {
  std::ostringstream text;
  text << "'" << name << "', ";
  if (module.children().empty()) {
    module.pretty_print(text);
  } else {
    text << module.name();
  }
  text << ", was given " << input.scalar_type() << " " << input.sizes();
  return text.str();
}

} // namespace

std::string failing_layer(
    const torch::nn::Module& module,
    const std::string& name,
    const at::Tensor& input) {
  const auto* sequence =
      dynamic_cast<const torch::nn::SequentialImpl*>(&module);
  if (!sequence) {
    return described(module, name, input);
  }
  const auto names = sequence->named_children();
  at::Tensor value = input;
  size_t place = 0;
  for (auto layer : *const_cast<torch::nn::SequentialImpl*>(sequence)) {
    try {
      value = layer.forward<at::Tensor>(value);
    } catch (const std::exception&) {
      return failing_layer(
          *layer.ptr(), name + '.' + names[place].key(), value);
    }
    ++place;
  }
  return described(module, name, input);
}

} // namespace polytask::fit::detail
