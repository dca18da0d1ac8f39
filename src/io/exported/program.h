// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace polytask::io::detail {

/// Where a value stands while a program runs.
using Slot = size_t;
inline constexpr Slot kNoSlot = std::numeric_limits<Slot>::max();

/// What a value is, as the file says; each step's results are held against it.
enum class ValueKind { kTensor, kInt, kFloat, kBool };

/// From which one argument of an operator is made.
struct Operand {
  enum class Kind {
    kConstant,
    kDevice, // the program's, wherever it is now
    kValue,
    kNumberAsTensor,
    kNumberAsFloat,
    kInts,
    kFloats,
    kBools,
    kScalars,
    kTensors,
    kOptionalTensors
  };
  Kind kind = Kind::kConstant;
  c10::IValue constant;
  Slot slot = kNoSlot;
  std::vector<Operand> parts;
};

/// As Python hands a number to an operator that wants a tensor: it does not
/// decide the result's dtype.
c10::IValue number_as_tensor(const c10::IValue& number);

/// What it is now, by the values that were computed.
c10::IValue value_of(
    const Operand& operand,
    const std::vector<c10::IValue>& values,
    const at::Device& device);

/// Where one of an operator's results goes: a tensor or number, or each tensor
/// of a list.
struct Result {
  bool is_list = false;
  ValueKind kind = ValueKind::kTensor;
  std::vector<Slot> slots;
};

/// A function of numbers of Python's, such as the product of two sizes.
using SymbolFunction = c10::IValue (*)(const torch::jit::Stack& arguments);

/// One node.
struct ProgramStep {
  std::string node;
  std::string target;
  std::optional<c10::OperatorHandle> op;
  SymbolFunction symbol = nullptr;
  std::vector<Operand> operands;
  std::vector<Result> results;
  /// What nobody needs after it.
  std::vector<Slot> done;
  /// The operand that is another one in eval mode, and what it is there.
  std::optional<std::pair<size_t, c10::IValue>> in_eval;
  /// In eval mode its result is its first operand: it counts batches.
  bool only_in_training = false;
  /// Its first operand gets another shape: it must be none of the weights and
  /// inputs, which belong to others.
  bool changes_shape = false;
  /// A batch norm that goes by its running statistics in training, too.
  bool is_norm_of_eval = false;
};

/// A parameter, buffer or constant.
struct ProgramWeight {
  enum class Kind { kParameter, kBuffer, kConstant };
  Kind kind = Kind::kParameter;
  std::string name; // Python's, with dots
  Slot slot = kNoSlot;
  /// A result takes its place in the end, see BufferUpdate. Steps then get a
  /// copy, which the backward may still need.
  bool is_updated = false;
};

/// A size of an input: a number or, where it may change, a symbol's value. That
/// of an expression of symbols has no name and is not compared.
struct ProgramSize {
  bool is_symbol = false;
  int64_t number = 0;
  std::string symbol;
};

struct ProgramInput {
  std::string name;
  Slot slot = kNoSlot;
  std::vector<ProgramSize> sizes;
};

struct ProgramRange {
  int64_t least = 0;
  int64_t most = std::numeric_limits<int64_t>::max();
};

/// A buffer that gets a result when all is done.
struct BufferUpdate {
  Slot result = kNoSlot;
  size_t weight = 0;
  bool only_in_training = false;
};

/// What runs, without the weights. Operators are looked up when it is made.
struct Program {
  std::vector<ProgramWeight> weights;
  std::vector<ProgramInput> inputs;
  std::map<std::string, ProgramRange> ranges;
  std::vector<ProgramStep> steps;
  std::vector<BufferUpdate> updates;
  std::vector<Slot> outputs;
  size_t slots = 0;
  bool has_modes = false;
  /// It was exported in eval mode: a batch norm goes by its running statistics.
  bool has_norms_of_eval = false;

  /// `weights` as above, `inputs` [..] of the sizes above. Throws with the
  /// node's name before the operator's message.
  std::vector<at::Tensor> run(
      const std::vector<at::Tensor>& weights_now,
      const std::vector<at::Tensor>& inputs_now,
      bool training) const;

 private:
  void check_sizes(const std::vector<at::Tensor>& inputs_now) const;
};

/// The program of a `models/<name>.json`. Throws, without the path, where it
/// is damaged, of a newer schema, or asks for what is refused.
Program parse_program(const std::string& json);

/// Null where there is no such function.
SymbolFunction symbol_function(const std::string& target);

} // namespace polytask::io::detail
