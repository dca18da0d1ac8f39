// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// What script_module_test.py has C++ do. An error goes to stderr, and gives 1.
//
//     script_module run SCRIPT INPUTS MODE OUT
//     script_module train SCRIPT DATA STEPS RATE OUT_SCRIPT

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/ops/zeros.h>
#include <polytask/io/python_file.h>
#include <polytask/io/script_module.h>
#include <torch/nn/functional/loss.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "program.h"

namespace {

using Tensors = torch::OrderedDict<std::string, at::Tensor>;

c10::Dict<std::string, at::Tensor> dict_of(const Tensors& tensors) {
  c10::Dict<std::string, at::Tensor> dict;
  for (const auto& item : tensors) {
    dict.insert(item.key(), item.value());
  }
  return dict;
}

polytask::Inputs inputs_in(const std::string& path) {
  std::vector<polytask::Inputs::Named> named;
  for (const auto& item :
       polytask::io::tensors_of(polytask::io::read_python(path))) {
    named.emplace_back(item.key(), item.value());
  }
  return polytask::Inputs(named);
}

// Outputs, gradients of the sum of their squares, and buffers after it.
void run(
    const std::string& path,
    const std::string& inputs,
    const std::string& mode,
    const std::string& to) {
  polytask::io::ScriptModule script(path);
  script->train(mode == "train");
  torch::manual_seed(0);
  c10::impl::GenericList outputs(c10::AnyType::get());
  at::Tensor sum = at::zeros({});
  for (const auto& output : script->outputs(inputs_in(inputs))) {
    outputs.push_back(output.detach());
    sum = sum + output.square().sum();
  }
  sum.backward();
  Tensors gradients("Tensor");
  for (const auto& item : script->named_parameters()) {
    if (item.value().grad().defined()) {
      gradients.insert(item.key(), item.value().grad());
    }
  }
  c10::impl::GenericDict result(c10::StringType::get(), c10::AnyType::get());
  result.insert("outputs", outputs);
  result.insert("gradients", dict_of(gradients));
  result.insert("buffers", dict_of(script->named_buffers()));
  polytask::io::write_python(to, c10::IValue(result));
}

void train(
    const std::string& path,
    const std::string& data,
    int64_t steps,
    double rate,
    const std::string& to) {
  polytask::io::ScriptModule script(path);
  const auto tensors =
      polytask::io::tensors_of(polytask::io::read_python(data));
  // Tied ones have several names, and LibTorch's optimizers would move them as
  // often.
  std::vector<at::Tensor> parameters;
  std::set<c10::TensorImpl*> seen;
  for (const auto& parameter : script->parameters()) {
    if (seen.insert(parameter.unsafeGetTensorImpl()).second) {
      parameters.push_back(parameter);
    }
  }
  torch::optim::SGD optimizer(
      parameters, torch::optim::SGDOptions(rate).momentum(0.9));
  for (int64_t i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    torch::nn::functional::mse_loss(script->forward(tensors["x"]), tensors["y"])
        .backward();
    optimizer.step();
  }
  script->save(to);
}

int call(const std::vector<std::string>& words) {
  if (words.size() == 5 && words[0] == "run") {
    run(words[1], words[2], words[3], words[4]);
  } else if (words.size() == 6 && words[0] == "train") {
    train(
        words[1],
        words[2],
        std::stoll(words[3]),
        std::stod(words[4]),
        words[5]);
  } else {
    std::cerr << "script_module: unknown command\n";
    return 2;
  }
  return 0;
}

} // namespace

int main(int count, char** words) {
  return polytask::testing::run_program(count, words, call);
}
