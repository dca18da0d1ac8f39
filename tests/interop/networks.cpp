// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// What drive.py has C++ do with an exported classifier. DATA has images `x` and
// classes `y`, the loss is the cross entropy, the optimizer is SGD.
//
//     networks gradients PROGRAM DATA MODE OUT
//     networks train PROGRAM DATA STEPS RATE OUT_PROGRAM
//     networks time PROGRAM DATA STEPS RATE
//
// The last one takes the steps for each line of its input, and prints the
// processor's seconds for one.

#include <ATen/Parallel.h>
#include <ATen/core/Dict.h>
#include <polytask/io/exported_program.h>
#include <polytask/io/python_file.h>
#include <polytask/io/weights.h>
#include <torch/nn/functional/loss.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include "../python/program.h"

namespace {

using polytask::io::ExportedProgram;
using Tensors = torch::OrderedDict<std::string, at::Tensor>;

Tensors read(const std::string& path) {
  return polytask::io::tensors_of(polytask::io::read_python(path));
}

at::Tensor loss_of(const at::Tensor& scores, const Tensors& data) {
  return torch::nn::functional::cross_entropy(scores, data["y"]);
}

void take_steps(
    ExportedProgram& program,
    torch::optim::SGD& optimizer,
    const Tensors& data,
    int64_t steps) {
  for (int64_t i = 0; i < steps; ++i) {
    optimizer.zero_grad();
    loss_of(program->forward(data["x"]), data).backward();
    optimizer.step();
  }
}

// Scores, gradients, and buffers after them.
void write_gradients(
    const std::string& path,
    const std::string& data_path,
    const std::string& mode,
    const std::string& to) {
  ExportedProgram program(path);
  program->train(mode == "train");
  const auto data = read(data_path);
  torch::manual_seed(0);
  const auto scores = program->forward(data["x"]);
  loss_of(scores, data).backward();
  c10::Dict<std::string, at::Tensor> result;
  result.insert("scores", scores.detach());
  for (const auto& item : program->named_parameters()) {
    if (item.value().grad().defined()) {
      result.insert("gradient " + item.key(), item.value().grad());
    }
  }
  for (const auto& item : program->named_buffers()) {
    result.insert("buffer " + item.key(), item.value());
  }
  polytask::io::write_python(to, result);
}

void train(
    const std::string& path,
    const std::string& data,
    int64_t steps,
    double rate,
    const std::string& to) {
  ExportedProgram program(path);
  torch::optim::SGD optimizer(program->parameters(), rate);
  torch::manual_seed(0);
  take_steps(program, optimizer, read(data), steps);
  program->save(to);
}

void time(
    const std::string& path,
    const std::string& data_path,
    int64_t steps,
    double rate) {
  ExportedProgram program(path);
  torch::optim::SGD optimizer(program->parameters(), rate);
  const auto data = read(data_path);
  take_steps(program, optimizer, data, 2);
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::clock();
    take_steps(program, optimizer, data, steps);
    std::cout << static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC /
            static_cast<double>(steps)
              << std::endl;
  }
}

int call(const std::vector<std::string>& words) {
  if (words.size() == 5 && words[0] == "gradients") {
    write_gradients(words[1], words[2], words[3], words[4]);
  } else if (words.size() == 6 && words[0] == "train") {
    train(
        words[1],
        words[2],
        std::stoll(words[3]),
        std::stod(words[4]),
        words[5]);
  } else if (words.size() == 5 && words[0] == "time") {
    time(words[1], words[2], std::stoll(words[3]), std::stod(words[4]));
  } else {
    std::cerr << "networks: unknown command\n";
    return 2;
  }
  return 0;
}

} // namespace

int main(int count, char** words) {
  at::set_num_threads(1);
  return polytask::testing::run_program(count, words, call);
}
