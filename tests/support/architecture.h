// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/model/multi_task_model.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

// Values that other people's implementations of architectures gave.
namespace polytask::testing {

/// One case of a file: parameters, an input, and what came of it, in float64.
struct ArchitectureCase {
  std::string name;
  nlohmann::json options; // the file's, overridden by the case's
  std::map<std::string, torch::Tensor> parameters;
  std::map<std::string, torch::Tensor> buffers;
  torch::Tensor input; // undefined where there is none
  nlohmann::json all;

  torch::Tensor tensor(const std::string& key) const;
  /// The tasks that have an output.
  std::vector<std::string> tasks(const char* mode = "eval") const;
};

/// {"shape", "values"} in float64.
torch::Tensor tensor_of(const nlohmann::json& json);

/// All cases of a file where that is at hand, else the one in
/// tests/sharing/values; the test fails where there is none.
std::vector<ArchitectureCase> architecture_cases(const std::string& file);

/// The name in our module of what a file calls so.
using Rename = std::function<std::string(const std::string&)>;
/// Regular expressions and what takes their place, one after the other.
Rename renamed(std::vector<std::pair<std::string, std::string>> rules);

/// Makes the module float64 and writes the case's parameters and buffers into
/// it. The test fails where one of either side has no other or another shape,
/// but for `unused` ones of the file.
void load_case(
    torch::nn::Module& module,
    const ArchitectureCase& golden,
    const Rename& rename,
    const std::vector<std::string>& unused = {});

/// The outputs of a mode ("eval", "train") within the case's tolerance.
void expect_outputs(
    const ArchitectureCase& golden,
    const torch::OrderedDict<std::string, torch::Tensor>& outputs,
    const char* mode = "eval");

/// The gradients that the case lists, of the sum of squares of these outputs
/// (all of them), or the squared norms of those of each task's mean square:
/// over all parameters, and over those that the file calls shared. `inputs`:
/// the leaf that requires a gradient, by the file's name ("input", "prior").
void expect_gradients(
    const ArchitectureCase& golden,
    torch::nn::Module& module,
    const Rename& rename,
    const torch::OrderedDict<std::string, torch::Tensor>& outputs,
    const std::map<std::string, torch::Tensor>& inputs = {},
    const char* mode = "eval");

/// Linear and ReLU for each width, the last one too.
torch::nn::Sequential rectified_layers(
    int64_t inputs, const std::vector<int64_t>& widths);
/// The same, then a Linear to `outputs`.
torch::nn::Sequential tower(
    int64_t inputs, const std::vector<int64_t>& widths, int64_t outputs = 1);

} // namespace polytask::testing
