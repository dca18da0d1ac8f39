// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// What the tests in Python have C++ do. An error goes to stderr, and gives 1.
//
//     interop copy IN OUT
//     interop run PROGRAM INPUTS MODE OUT
//     interop train PROGRAM DATA STEPS RATE OUT OUT_PROGRAM
//     interop weights PROGRAM WEIGHTS OUT_WEIGHTS

#include <ATen/core/Dict.h>
#include <polytask/io/exported_program.h>
#include <polytask/io/python_file.h>
#include <polytask/io/safetensors.h>
#include <polytask/io/weights.h>
#include <torch/nn/functional/loss.h>
#include <torch/optim/sgd.h>

#include <iostream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "program.h"

namespace {

using polytask::Inputs;
using Tensors = torch::OrderedDict<std::string, at::Tensor>;

bool is_safetensors(const std::string& path) {
  const std::string suffix = ".safetensors";
  return path.size() > suffix.size() &&
      path.substr(path.size() - suffix.size()) == suffix;
}

c10::IValue dict_of(const Tensors& tensors) {
  c10::Dict<std::string, at::Tensor> dict;
  for (const auto& item : tensors) {
    dict.insert(item.key(), item.value());
  }
  return dict;
}

// Whole files of Python's stay as they are; others are tensors by name.
void copy(const std::string& from, const std::string& to) {
  if (!is_safetensors(from) && !is_safetensors(to)) {
    polytask::io::write_python(to, polytask::io::read_python(from));
    return;
  }
  Tensors tensors("Tensor");
  std::map<std::string, std::string> metadata;
  if (is_safetensors(from)) {
    const polytask::io::SafetensorsFile file(from);
    for (const auto& name : file.names()) {
      tensors.insert(name, file.tensor(name));
    }
    metadata = file.metadata();
  } else {
    tensors = polytask::io::tensors_of(polytask::io::read_python(from));
  }
  if (is_safetensors(to)) {
    polytask::io::write_safetensors(to, tensors, metadata);
  } else {
    polytask::io::write_python(to, dict_of(tensors));
  }
}

Inputs inputs_of(const c10::IValue& value) {
  std::vector<Inputs::Named> named;
  for (const auto& item : polytask::io::tensors_of(value)) {
    named.emplace_back(item.key(), item.value());
  }
  return Inputs(named);
}

Tensors gradients_of(const torch::nn::Module& module) {
  Tensors gradients("Tensor");
  for (const auto& item : module.named_parameters()) {
    if (item.value().grad().defined()) {
      gradients.insert(item.key(), item.value().grad());
    }
  }
  return gradients;
}

// Outputs, gradients of the sum of their squares, and buffers after it.
void run(
    const std::string& path,
    const std::string& inputs,
    const std::string& mode,
    const std::string& to) {
  polytask::io::ExportedProgram program(path);
  program->train(mode == "train");
  torch::manual_seed(0);
  const auto outputs =
      program->outputs(inputs_of(polytask::io::read_python(inputs)));
  at::Tensor sum = at::zeros({});
  c10::impl::GenericList list(c10::AnyType::get());
  for (const auto& output : outputs) {
    list.push_back(output.detach());
    if (output.requires_grad()) {
      sum = sum + output.square().sum();
    }
  }
  sum.backward();
  c10::impl::GenericDict result(c10::StringType::get(), c10::AnyType::get());
  result.insert("outputs", list);
  result.insert("gradients", dict_of(gradients_of(*program)));
  result.insert("buffers", dict_of(program->named_buffers()));
  polytask::io::write_python(to, c10::IValue(result));
}

void train(
    const std::string& path,
    const std::string& data,
    int64_t steps,
    double rate,
    const std::string& to,
    const std::string& to_program) {
  polytask::io::ExportedProgram program(path);
  const auto tensors =
      polytask::io::tensors_of(polytask::io::read_python(data));
  // Tied ones have several names, and LibTorch's optimizers would move them as
  // often.
  std::vector<at::Tensor> parameters;
  std::set<c10::TensorImpl*> seen;
  for (const auto& parameter : program->parameters()) {
    if (seen.insert(parameter.unsafeGetTensorImpl()).second) {
      parameters.push_back(parameter);
    }
  }
  torch::optim::SGD optimizer(
      parameters, torch::optim::SGDOptions(rate).momentum(0.9));
  for (int64_t i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    torch::nn::functional::mse_loss(
        program->forward(tensors["x"]), tensors["y"])
        .backward();
    optimizer.step();
  }
  Tensors weights = program->named_parameters();
  for (const auto& item : program->named_buffers()) {
    weights.insert(item.key(), item.value());
  }
  polytask::io::write_python(to, dict_of(weights));
  program->save(to_program);
}

int call(const std::vector<std::string>& words) {
  if (words.size() == 3 && words[0] == "copy") {
    copy(words[1], words[2]);
  } else if (words.size() == 5 && words[0] == "run") {
    run(words[1], words[2], words[3], words[4]);
  } else if (words.size() == 7 && words[0] == "train") {
    train(
        words[1],
        words[2],
        std::stoll(words[3]),
        std::stod(words[4]),
        words[5],
        words[6]);
  } else if (words.size() == 4 && words[0] == "weights") {
    polytask::io::ExportedProgram program(words[1]);
    std::cout << polytask::io::load_weights(*program, words[2]) << '\n';
    polytask::io::save_weights(*program, words[3]);
  } else {
    std::cerr << "interop: unknown command\n";
    return 2;
  }
  return 0;
}

} // namespace

int main(int count, char** words) {
  return polytask::testing::run_program(count, words, call);
}
