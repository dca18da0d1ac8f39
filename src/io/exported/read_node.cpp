// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/exported/has_schema.h"

#if POLYTASK_HAS_PROGRAM_SCHEMA

#include <c10/util/Exception.h>
#include <torch/csrc/utils/generated_serialization_types.h>
#include <nlohmann/json.hpp>

#include <string>
#include <unordered_map>
#include <variant>

#include "core/check.h"
#include "io/exported/known_operator.h"
#include "io/exported/operand.h"
#include "io/exported/read_node.h"

namespace polytask::io::detail {

namespace {

namespace schema = torch::_export;

class NodeReader {
 public:
  NodeReader(ProgramValues& values, const std::set<Slot>& counters)
      : values_(values), counters_(counters) {}

  ProgramStep read(const schema::Node& node) {
    ProgramStep step;
    step.target = node.get_target();
    step.node = node.get_name().value_or(name_of_result(node));
    try {
      step.symbol = symbol_function(step.target);
      if (step.symbol == nullptr) {
        step.op = known_operator(step.target);
        step.changes_shape = changes_shape(*step.op);
      }
      read_operands(node, step);
      read_results(node, step);
      find_mode(step);
    } catch (const c10::Error&) {
      polytask::detail::rethrow_with(
          "node '" + step.node + "' (" + step.target + ") ");
    } catch (const std::bad_variant_access&) {
      TORCH_CHECK_VALUE(
          false,
          "node '",
          step.node,
          "' (",
          step.target,
          ") has an argument or a result of no known kind.");
    }
    return step;
  }

 private:
  static std::string name_of_result(const schema::Node& node) {
    using Kind = schema::Argument::Tag;
    const auto& results = node.get_outputs();
    return !results.empty() && results[0].tag() == Kind::AS_TENSOR
        ? results[0].get_as_tensor().get_name()
        : "";
  }

  void read_operands(const schema::Node& node, ProgramStep& step) {
    const auto slots = [this](const std::string& name) {
      return values_.slot_of(name);
    };
    if (!step.op) {
      for (const auto& input : node.get_inputs()) {
        step.operands.push_back(operand_of(input.get_arg(), nullptr, slots));
        check_operand(step.operands.back(), nullptr, values_.kinds());
      }
      return;
    }
    std::unordered_map<std::string, const schema::Argument*> given;
    for (const auto& input : node.get_inputs()) {
      TORCH_CHECK_VALUE(
          given.emplace(input.get_name(), &input.get_arg()).second,
          "gives the argument '",
          input.get_name(),
          "' twice.");
    }
    for (const auto& wanted : step.op->schema().arguments()) {
      const auto found = given.find(wanted.name());
      if (found != given.end()) {
        step.operands.push_back(operand_of(*found->second, &wanted, slots));
        check_operand(step.operands.back(), &wanted, values_.kinds());
        given.erase(found);
        continue;
      }
      TORCH_CHECK_VALUE(
          wanted.default_value().has_value(),
          "has no argument '",
          wanted.name(),
          "'.");
      Operand operand;
      operand.constant = *wanted.default_value();
      step.operands.push_back(std::move(operand));
    }
    TORCH_CHECK_VALUE(
        given.empty(),
        "has an argument '",
        given.empty() ? "" : given.begin()->first,
        "', which the operator does not know.");
  }

  void read_results(const schema::Node& node, ProgramStep& step) {
    using Kind = schema::Argument::Tag;
    for (const auto& output : node.get_outputs()) {
      Result result;
      switch (output.tag()) {
        case Kind::AS_NONE:
          result.slots.push_back(kNoSlot);
          break;
        case Kind::AS_TENSOR:
          result.slots.push_back(
              result_slot(output.get_as_tensor().get_name()));
          break;
        case Kind::AS_OPTIONAL_TENSOR:
          result.slots.push_back(
              output.get_as_optional_tensor().tag() ==
                      schema::OptionalTensorArgument::Tag::AS_TENSOR
                  ? result_slot(output.get_as_optional_tensor()
                                    .get_as_tensor()
                                    .get_name())
                  : kNoSlot);
          break;
        case Kind::AS_TENSORS:
          result.is_list = true;
          for (const auto& tensor : output.get_as_tensors()) {
            result.slots.push_back(result_slot(tensor.get_name()));
          }
          break;
        case Kind::AS_SYM_INT:
          result.kind = ValueKind::kInt;
          result.slots.push_back(
              result_slot(output.get_as_sym_int().get_as_name(), result.kind));
          break;
        case Kind::AS_SYM_FLOAT:
          result.kind = ValueKind::kFloat;
          result.slots.push_back(result_slot(
              output.get_as_sym_float().get_as_name(), result.kind));
          break;
        case Kind::AS_SYM_BOOL:
          result.kind = ValueKind::kBool;
          result.slots.push_back(
              result_slot(output.get_as_sym_bool().get_as_name(), result.kind));
          break;
        default:
          TORCH_CHECK_VALUE(
              false,
              "gives a result of the kind ",
              schema::printEnum(output.tag()),
              ", which cannot be used.");
      }
      step.results.push_back(std::move(result));
    }
    const size_t given =
        step.op ? step.op->schema().returns().size() : size_t{1};
    // An operator without a result is said to give none, or a None.
    if (step.results.size() != given) {
      TORCH_CHECK_VALUE(
          given == 0 && step.results.size() == 1 && !step.results[0].is_list &&
              step.results[0].slots[0] == kNoSlot,
          "has ",
          step.results.size(),
          " results, and the operator gives ",
          given,
          ".");
      step.results.clear();
    }
    for (size_t i = 0; step.op && i < step.results.size(); ++i) {
      check_result(step.results[i], step.op->schema().returns()[i]);
    }
  }

  Slot result_slot(
      const std::string& name, ValueKind kind = ValueKind::kTensor) {
    return name.empty() ? kNoSlot : values_.new_slot(name, kind);
  }

  // What a module does in training alone was fixed when it was exported:
  // here it follows the mode.
  void find_mode(ProgramStep& step) {
    if (!step.op) {
      return;
    }
    const auto& arguments = step.op->schema().arguments();
    for (size_t i = 0; i < arguments.size(); ++i) {
      const auto& name = arguments[i].name();
      const auto& value = step.operands[i].constant;
      if (is_flag(name) && value.isBool() && value.toBool() &&
          has_statistics(step)) {
        step.in_eval.emplace(i, false);
      } else if (name == "running_mean" && uses_statistics(step)) {
        step.is_norm_of_eval = true;
      } else if (
          name == "dropout_p" && value.isDouble() && value.toDouble() > 0) {
        step.in_eval.emplace(i, 0.0);
      }
    }
    if (step.op->schema().name() == "aten::add_" &&
        step.operands[0].kind == Operand::Kind::kValue) {
      step.only_in_training = counters_.count(step.operands[0].slot) > 0;
    }
  }

  static bool is_flag(const std::string& argument) {
    return argument == "train" || argument == "training" ||
        argument == "use_input_stats";
  }

  // Whatever the mode is.
  static bool uses_statistics(const ProgramStep& step) {
    const auto& arguments = step.op->schema().arguments();
    for (size_t i = 0; i < arguments.size(); ++i) {
      const auto& value = step.operands[i].constant;
      if (is_flag(arguments[i].name()) && value.isBool() && value.toBool()) {
        return false;
      }
    }
    return has_statistics(step);
  }

  // A norm without running statistics has no other way in eval mode.
  static bool has_statistics(const ProgramStep& step) {
    const auto& arguments = step.op->schema().arguments();
    bool is_norm = false;
    for (size_t i = 0; i < arguments.size(); ++i) {
      if (arguments[i].name() == "running_mean") {
        return step.operands[i].kind == Operand::Kind::kValue;
      }
      is_norm = is_norm || arguments[i].name() == "eps";
    }
    return !is_norm;
  }

  ProgramValues& values_;
  const std::set<Slot>& counters_;
};

} // namespace

ProgramStep read_node(
    const schema::Node& node,
    ProgramValues& values,
    const std::set<Slot>& counters) {
  return NodeReader(values, counters).read(node);
}

} // namespace polytask::io::detail

#endif
