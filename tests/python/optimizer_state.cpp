// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// What the test of optimizers' states in Python has C++ do. An error goes to
// stderr, and gives 1.
//
//     optimizer_state train MODEL OPT STEPS OUT_MODEL OUT_OPT KIND GROUP...
//
// MODEL holds the weights of Sequential(Linear, Tanh, Linear), "x" and "y"; OPT
// is a state dict; each GROUP lists parameters, as in "0.weight,0.bias".

#include <ATen/core/Dict.h>
#include <polytask/io/optimizer_state.h>
#include <polytask/io/python_file.h>
#include <polytask/optim/fused_adam.h>
#include <polytask/optim/fused_sgd.h>
#include <torch/nn/functional/loss.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "program.h"

namespace {

using polytask::io::read_python;
using polytask::io::tensors_of;
using torch::optim::OptimizerParamGroup;
using Groups = std::vector<OptimizerParamGroup>;

std::unique_ptr<torch::optim::Optimizer> make_optimizer(
    const std::string& kind, const Groups& groups) {
  using namespace torch::optim;
  if (kind == "SGD") {
    return std::make_unique<SGD>(groups, SGDOptions(1));
  }
  if (kind == "Adam") {
    return std::make_unique<Adam>(groups);
  }
  if (kind == "AdamW") {
    return std::make_unique<AdamW>(groups);
  }
  if (kind == "FusedSGD") {
    return std::make_unique<polytask::optim::FusedSGD>(groups, SGDOptions(1));
  }
  if (kind == "FusedAdam") {
    return std::make_unique<polytask::optim::FusedAdam>(groups);
  }
  TORCH_CHECK_VALUE(kind == "FusedAdamW", "unknown kind ", kind);
  return std::make_unique<polytask::optim::FusedAdamW>(groups);
}

torch::nn::Sequential net_of(
    const torch::OrderedDict<std::string, at::Tensor>& weights) {
  const auto hidden = weights["0.weight"].size(0);
  torch::nn::Sequential net(
      torch::nn::Linear(weights["0.weight"].size(1), hidden),
      torch::nn::Tanh(),
      torch::nn::Linear(hidden, weights["2.weight"].size(0)));
  const torch::NoGradGuard no_grad;
  net->to(weights["0.weight"].scalar_type());
  for (auto& item : net->named_parameters()) {
    item.value().copy_(weights[item.key()]);
  }
  return net;
}

Groups groups_of(
    const torch::nn::Sequential& net,
    std::vector<std::string>::const_iterator first,
    std::vector<std::string>::const_iterator last) {
  const auto parameters = net->named_parameters();
  Groups groups;
  for (; first != last; ++first) {
    std::vector<at::Tensor> group;
    std::istringstream names(*first);
    for (std::string name; std::getline(names, name, ',');) {
      group.push_back(parameters[name]);
    }
    groups.emplace_back(group);
  }
  return groups;
}

void train(const std::vector<std::string>& words) {
  const auto data = read_python(words[1]).toGenericDict();
  const at::Tensor x = data.at("x").toTensor();
  const at::Tensor y = data.at("y").toTensor();
  torch::nn::Sequential net = net_of(tensors_of(data.at("weights")));
  const auto optimizer =
      make_optimizer(words[6], groups_of(net, words.begin() + 7, words.end()));
  polytask::io::load_optimizer_state_dict(
      *optimizer, *net, read_python(words[2]));
  for (int step = 0; step < std::stoi(words[3]); ++step) {
    optimizer->zero_grad();
    torch::nn::functional::mse_loss(net->forward(x), y).backward();
    optimizer->step();
  }
  c10::Dict<std::string, at::Tensor> weights;
  for (const auto& item : net->named_parameters()) {
    weights.insert(item.key(), item.value());
  }
  polytask::io::write_python(words[4], weights);
  polytask::io::write_python(
      words[5], polytask::io::optimizer_state_dict(*optimizer, *net));
}

int call(const std::vector<std::string>& words) {
  if (words.size() < 8 || words[0] != "train") {
    std::cerr << "optimizer_state: unknown command\n";
    return 2;
  }
  train(words);
  return 0;
}

} // namespace

int main(int count, char** words) {
  return polytask::testing::run_program(count, words, call);
}
