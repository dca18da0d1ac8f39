// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace polytask::testing {

/// An exported program as `torch.export.save` writes it, piece by piece; all
/// of it can be changed before it is written.
class ProgramBuilder {
 public:
  using Json = nlohmann::json;

  ProgramBuilder();

  /// A weight, whose value in the program has the name. One that is given
  /// twice has one record.
  ProgramBuilder& parameter(const std::string& name, const at::Tensor& value);
  ProgramBuilder& buffer(
      const std::string& name, const at::Tensor& value, bool persistent = true);
  ProgramBuilder& constant(const std::string& name, const at::Tensor& value);
  /// A size of -1 is the symbol `s0`, from 1 on.
  ProgramBuilder& input(
      const std::string& name, const std::vector<int64_t>& sizes);
  /// `target` without `torch.ops.aten.`, if it begins with none of Python's
  /// modules; arguments by name.
  ProgramBuilder& node(
      const std::string& target,
      const std::vector<std::pair<std::string, Json>>& arguments,
      const Json& result);
  /// The same with one tensor of this name for its result.
  ProgramBuilder& node(
      const std::string& target,
      const std::vector<std::pair<std::string, Json>>& arguments,
      const char* result);
  ProgramBuilder& output(const std::string& name);

  Json& nodes();
  Json& last_node();
  Json& input_specs();
  Json& meta_of(const std::string& weight); // of parameters and buffers

  /// The records in their order, without the archive's own.
  std::vector<std::pair<std::string, std::string>> records() const;
  void write(const std::string& path) const;

  Json program;
  Json weights;
  Json constants;
  /// Besides the JSON: weights, and what else there is.
  std::vector<std::pair<std::string, std::string>> others;

 private:
  void add_tensor(
      Json& config,
      const std::string& folder,
      const std::string& stem,
      const std::string& name,
      const at::Tensor& value,
      bool is_parameter);

  std::vector<std::pair<at::Tensor, std::string>> stored_;
};

/// Linear(5, 7) and ReLU, with batch norm and with dropout where asked for,
/// Linear(7, 7) times a constant, and a tied one; cut into three, of which the
/// last is divided by the number of rows, and put together: [B, 5] -> [B, 7].
/// Its parameters are `first.weight` and so on.
struct TrunkParts {
  TrunkParts();

  at::Tensor first_weight, first_bias, norm_weight, norm_bias, mean, variance;
  at::Tensor batches, shared_weight, second_bias, third_bias, scale, shift;
};
ProgramBuilder trunk_program(
    const TrunkParts& parts, bool with_norm = true, bool with_dropout = false);

/// Arguments and results.
nlohmann::json tensor_named(const std::string& name);
nlohmann::json tensors_named(const std::vector<std::string>& names);
nlohmann::json size_named(const std::string& name);

void write_archive(
    const std::string& path,
    const std::vector<std::pair<std::string, std::string>>& records);

} // namespace polytask::testing
