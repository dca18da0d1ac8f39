// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/architecture.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <cstdlib>
#include <regex>
#include <set>
#include <utility>

#include "tests/support/golden.h"

namespace polytask::testing {

namespace {

std::string golden_file(const std::string& name) {
  const char* chosen = std::getenv("POLYTASK_GOLDEN_DIR");
  return std::string(chosen ? chosen : POLYTASK_GOLDEN_DIR) + "/" + name +
      ".json";
}

using Tensors = torch::OrderedDict<std::string, torch::Tensor>;

double rtol_of(
    const ArchitectureCase& golden, const std::string& field, double& atol) {
  const auto& tolerance = golden.all["tolerance"];
  const auto& own =
      tolerance.contains("fields") && tolerance["fields"].contains(field)
      ? tolerance["fields"][field]
      : tolerance;
  atol = own["atol"].get<double>();
  return own["rtol"].get<double>();
}

void expect_close(
    const ArchitectureCase& golden,
    const std::string& field,
    const std::string& what,
    const torch::Tensor& actual,
    const torch::Tensor& expected) {
  ASSERT_EQ(actual.sizes(), expected.sizes()) << golden.name << ": " << what;
  double atol = 0;
  const double rtol = rtol_of(golden, field, atol);
  const double apart = (actual - expected).abs().max().item<double>();
  const double bound = atol + rtol * expected.abs().max().item<double>();
  EXPECT_LE(apart, bound) << golden.name << ": " << what;
}

double squared_norm(const std::vector<torch::Tensor>& gradients) {
  double sum = 0;
  for (const auto& gradient : gradients) {
    sum += gradient.defined() ? gradient.square().sum().item<double>() : 0;
  }
  return sum;
}

void expect_norms(
    const ArchitectureCase& golden,
    torch::nn::Module& module,
    const Rename& rename,
    const Tensors& outputs,
    const nlohmann::json& norms) {
  const auto parameters = module.named_parameters();
  std::vector<torch::Tensor> all = module.parameters();
  std::vector<torch::Tensor> shared;
  for (const auto& name : golden.all["shared_parameters"]) {
    if (const auto* found = parameters.find(rename(name.get<std::string>()))) {
      shared.push_back(*found);
    }
  }
  for (const auto& [task, expected] : norms.items()) {
    const auto of = [&](const std::vector<torch::Tensor>& leaves) {
      return squared_norm(torch::autograd::grad(
          {outputs[task].square().mean()}, leaves, {}, true, false, true));
    };
    const double total = expected["all_squared_norm"].get<double>();
    EXPECT_NEAR(of(all), total, 1e-9 * total) << golden.name << ' ' << task;
    if (!shared.empty()) {
      const double own = expected["shared_squared_norm"].get<double>();
      EXPECT_NEAR(of(shared), own, 1e-9 * own + 1e-15)
          << golden.name << ' ' << task;
    }
  }
}

} // namespace

torch::Tensor tensor_of(const nlohmann::json& json) {
  return torch::tensor(
             json["values"].get<std::vector<double>>(), torch::kDouble)
      .view(json["shape"].get<std::vector<int64_t>>());
}

torch::Tensor ArchitectureCase::tensor(const std::string& key) const {
  return tensor_of(all[key]);
}

std::vector<std::string> ArchitectureCase::tasks(const char* mode) const {
  std::vector<std::string> names;
  for (const auto& [task, value] : all["expected"][mode]["outputs"].items()) {
    names.push_back(task);
  }
  return names;
}

std::vector<ArchitectureCase> architecture_cases(const std::string& file) {
  auto json = read_golden(golden_file(file));
  if (!json) {
    json = read_golden(
        std::string(POLYTASK_SOURCE_DIR) + "/tests/sharing/values/" + file +
        ".json");
  }
  std::vector<ArchitectureCase> cases;
  if (!json) {
    ADD_FAILURE() << "there is no " << file << ".json";
    return cases;
  }
  for (const auto& each : (*json)["cases"]) {
    ArchitectureCase own;
    own.name = each["name"];
    own.options = json->value("hyperparameters", nlohmann::json::object());
    if (each.contains("hyperparameters")) {
      own.options.update(each["hyperparameters"]);
    }
    own.all = each;
    for (const char* kind : {"parameters", "buffers"}) {
      const auto named = each.value(kind, nlohmann::json::object());
      for (const auto& [name, value] : named.items()) {
        (kind[0] == 'p' ? own.parameters : own.buffers)[name] =
            tensor_of(value);
      }
    }
    if (each.contains("input")) {
      own.input = own.tensor("input");
    }
    cases.push_back(std::move(own));
  }
  return cases;
}

Rename renamed(std::vector<std::pair<std::string, std::string>> rules) {
  return [rules = std::move(rules)](const std::string& name) {
    std::string own = name;
    for (const auto& [pattern, text] : rules) {
      own = std::regex_replace(own, std::regex(pattern), text);
    }
    return own;
  };
}

void load_case(
    torch::nn::Module& module,
    const ArchitectureCase& golden,
    const Rename& rename,
    const std::vector<std::string>& unused) {
  const torch::NoGradGuard no_grad;
  module.to(torch::kDouble);
  const auto parameters = module.named_parameters();
  const auto buffers = module.named_buffers();
  std::set<std::string> written;
  const auto write = [&](const auto& given, const Tensors& own) {
    for (const auto& [name, value] : given) {
      if (std::find(unused.begin(), unused.end(), name) != unused.end()) {
        continue;
      }
      const auto* found = own.find(rename(name));
      ASSERT_NE(found, nullptr)
          << golden.name << ": " << name << " -> " << rename(name);
      ASSERT_EQ(found->numel(), value.numel()) << golden.name << ": " << name;
      torch::Tensor(*found).copy_(value.view_as(*found));
      written.insert(rename(name));
    }
  };
  write(golden.parameters, parameters);
  write(golden.buffers, buffers);
  for (const auto& parameter : parameters) {
    EXPECT_TRUE(written.contains(parameter.key()))
        << golden.name << " has no " << parameter.key();
  }
}

void expect_outputs(
    const ArchitectureCase& golden, const Tensors& outputs, const char* mode) {
  const auto& expected = golden.all["expected"][mode]["outputs"];
  ASSERT_EQ(outputs.size(), expected.size()) << golden.name;
  for (const auto& [task, value] : expected.items()) {
    expect_close(
        golden,
        "outputs",
        "output of " + task,
        outputs[task],
        tensor_of(value));
  }
}

void expect_gradients(
    const ArchitectureCase& golden,
    torch::nn::Module& module,
    const Rename& rename,
    const Tensors& outputs,
    const std::map<std::string, torch::Tensor>& inputs,
    const char* mode) {
  const auto& expected = golden.all["expected"][mode];
  if (expected.contains("gradient_of_mean_square")) {
    expect_norms(
        golden, module, rename, outputs, expected["gradient_of_mean_square"]);
    return;
  }
  torch::Tensor sum = torch::zeros({}, torch::kDouble);
  for (const auto& output : outputs) {
    sum = sum + output.value().square().sum();
  }
  const auto parameters = module.named_parameters();
  const std::string field = "gradient_of_sum_of_squares";
  for (const auto& [name, value] : expected[field].items()) {
    const auto* leaf = parameters.find(rename(name));
    ASSERT_NE(leaf, nullptr) << golden.name << ": " << name;
    const torch::Tensor gradient =
        torch::autograd::grad({sum}, {*leaf}, {}, true, false, true)[0];
    const torch::Tensor own = tensor_of(value);
    expect_close(
        golden,
        field,
        "gradient of " + name,
        gradient.defined() ? gradient.view(own.sizes())
                           : torch::zeros_like(own),
        own);
  }
  for (const auto& [name, leaf] : inputs) {
    const std::string input_field = name + "_" + field;
    expect_close(
        golden,
        input_field,
        "gradient of " + name,
        torch::autograd::grad({sum}, {leaf}, {}, true)[0],
        tensor_of(expected[input_field]));
  }
}

torch::nn::Sequential rectified_layers(
    int64_t inputs, const std::vector<int64_t>& widths) {
  torch::nn::Sequential layers;
  for (const int64_t width : widths) {
    layers->push_back(torch::nn::Linear(inputs, width));
    layers->push_back(torch::nn::ReLU());
    inputs = width;
  }
  return layers;
}

torch::nn::Sequential tower(
    int64_t inputs, const std::vector<int64_t>& widths, int64_t outputs) {
  auto layers = rectified_layers(inputs, widths);
  layers->push_back(
      torch::nn::Linear(widths.empty() ? inputs : widths.back(), outputs));
  return layers;
}

} // namespace polytask::testing
