// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/exported/has_schema.h"

#if POLYTASK_HAS_PROGRAM_SCHEMA

#include <c10/util/Exception.h>
#include <torch/csrc/utils/generated_serialization_types.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <ranges>
#include <set>
#include <string_view>
#include <unordered_map>
#include <variant>

#include "core/check.h"
#include "io/exported/input_names.h"
#include "io/exported/known_operator.h"
#include "io/exported/operand.h"
#include "io/exported/program.h"

namespace polytask::io::detail {

namespace {

namespace schema = torch::_export;

constexpr int64_t kSchemaMajor = 8;
constexpr size_t kDeepestWeight = 64; // modules within modules
constexpr std::string_view kNumbersOfBatches = "num_batches_tracked";

bool begins_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool counts_batches(std::string_view buffer) {
  return buffer.size() >= kNumbersOfBatches.size() &&
      buffer.substr(buffer.size() - kNumbersOfBatches.size()) ==
      kNumbersOfBatches;
}

class ProgramParser {
 public:
  explicit ProgramParser(const schema::ExportedProgram& file)
      : file_(file), graph_(file.get_graph_module().get_graph()) {}

  Program parse() {
    read_ranges();
    read_inputs();
    for (const auto& node : graph_.get_nodes()) {
      read_node(node);
    }
    read_outputs();
    program_.slots = names_.size();
    free_values();
    return std::move(program_);
  }

 private:
  Slot new_slot(const std::string& name, ValueKind kind = ValueKind::kTensor) {
    TORCH_CHECK_VALUE(
        names_.emplace(name, names_.size()).second,
        "two values have the name '",
        name,
        "'.");
    kinds_.push_back(kind);
    return names_.size() - 1;
  }

  Slot slot_of(const std::string& name) const {
    const auto found = names_.find(name);
    TORCH_CHECK_VALUE(
        found != names_.end(),
        "uses the value '",
        name,
        "', which nothing before it makes.");
    return found->second;
  }

  Slot tensor_of(const std::string& name) const {
    const Slot slot = slot_of(name);
    TORCH_CHECK_VALUE(
        kinds_[slot] == ValueKind::kTensor,
        "the value '",
        name,
        "' is no tensor.");
    return slot;
  }

  void read_ranges() {
    for (const auto& [symbol, range] : file_.get_range_constraints()) {
      ProgramRange limits;
      limits.least = range.get_min_val().value_or(limits.least);
      limits.most = range.get_max_val().value_or(limits.most);
      program_.ranges.emplace(symbol, limits);
    }
  }

  void read_inputs() {
    for (const auto& input :
         file_.get_graph_module().get_signature().get_input_specs()) {
      using Kind = schema::InputSpec::Tag;
      using Weight = ProgramWeight::Kind;
      switch (input.tag()) {
        case Kind::PARAMETER:
          add_weight(
              Weight::kParameter,
              input.get_parameter().get_parameter_name(),
              input.get_parameter().get_arg().get_name());
          break;
        case Kind::BUFFER:
          add_weight(
              input.get_buffer().get_persistent() ? Weight::kBuffer
                                                  : Weight::kConstant,
              input.get_buffer().get_buffer_name(),
              input.get_buffer().get_arg().get_name());
          break;
        case Kind::TENSOR_CONSTANT:
          add_weight(
              Weight::kConstant,
              input.get_tensor_constant().get_tensor_constant_name(),
              input.get_tensor_constant().get_arg().get_name());
          break;
        case Kind::USER_INPUT:
          add_input(input.get_user_input().get_arg());
          break;
        case Kind::CONSTANT_INPUT:
          leaves_.push_back(false);
          break;
        default:
          TORCH_CHECK_VALUE(
              false,
              "it takes an input of the kind ",
              schema::printEnum(input.tag()),
              "; tensors alone can be given.");
      }
    }
    check_modules();
    name_inputs();
  }

  void add_weight(
      ProgramWeight::Kind kind,
      const std::string& name,
      const std::string& value) {
    TORCH_CHECK_VALUE(
        weights_.emplace(name, program_.weights.size()).second,
        "two of its tensors have the name '",
        name,
        "'.");
    program_.weights.push_back({kind, name, new_slot(value)});
    if (kind == ProgramWeight::Kind::kConstant) {
      return;
    }
    if (counts_batches(name)) {
      counters_.insert(program_.weights.back().slot);
    }
    add_modules(name);
  }

  // `a.b.weight` stands in the modules `a` and `a.b`.
  void add_modules(const std::string& name) {
    size_t begin = 0;
    size_t depth = 0;
    for (size_t dot = 0; dot != std::string::npos; begin = dot + 1, ++depth) {
      dot = name.find('.', begin);
      TORCH_CHECK_VALUE(
          begin < name.size() && dot != begin && depth < kDeepestWeight,
          "the name '",
          name,
          "' of one of its tensors has ",
          depth < kDeepestWeight ? "an empty part." : "too many parts.");
      if (dot != std::string::npos) {
        modules_.insert(name.substr(0, dot));
      }
    }
  }

  void check_modules() const {
    for (const auto& weight : program_.weights) {
      TORCH_CHECK_VALUE(
          weight.kind == ProgramWeight::Kind::kConstant ||
              modules_.count(weight.name) == 0,
          "it has both a tensor and a module of the name '",
          weight.name,
          "'.");
    }
  }

  void add_input(const schema::Argument& argument) {
    using Kind = schema::Argument::Tag;
    const bool is_tensor = argument.tag() == Kind::AS_TENSOR;
    leaves_.push_back(is_tensor);
    if (!is_tensor) {
      TORCH_CHECK_VALUE(
          argument.tag() != Kind::AS_SYM_INT &&
              argument.tag() != Kind::AS_SYM_FLOAT &&
              argument.tag() != Kind::AS_CUSTOM_OBJ,
          "it takes an input of the kind ",
          schema::printEnum(argument.tag()),
          "; tensors alone can be given.");
      return; // what it was when the program was exported
    }
    const auto& name = argument.get_as_tensor().get_name();
    ProgramInput input;
    input.name = name;
    input.slot = new_slot(name);
    const auto meta = graph_.get_tensor_values().find(name);
    TORCH_CHECK_VALUE(
        meta != graph_.get_tensor_values().end(),
        "nothing is said of the input '",
        name,
        "'.");
    for (const auto& size : meta->second.get_sizes()) {
      input.sizes.push_back(size_of(size));
    }
    program_.inputs.push_back(std::move(input));
  }

  static ProgramSize size_of(const schema::SymInt& size) {
    ProgramSize result;
    result.is_symbol = size.tag() != schema::SymInt::Tag::AS_INT;
    if (!result.is_symbol) {
      result.number = size.get_as_int();
      return result;
    }
    // Symbol('s77', positive=True, integer=True)
    constexpr std::string_view kSymbol = "Symbol('";
    const std::string& text = size.get_as_expr().get_expr_str();
    const size_t end = text.find('\'', kSymbol.size());
    if (begins_with(text, kSymbol) && end != std::string::npos) {
      result.symbol = text.substr(kSymbol.size(), end - kSymbol.size());
    }
    return result;
  }

  // By the names of Python's arguments, which stand with the whole module.
  void name_inputs() {
    for (const auto& call : file_.get_graph_module().get_module_call_graph()) {
      if (!call.get_fqn().empty() || !call.get_signature()) {
        continue;
      }
      const auto names = input_names(
          call.get_signature()->get_in_spec(),
          call.get_signature()->get_forward_arg_names().value_or(
              std::vector<std::string>()),
          leaves_.size());
      size_t next = 0;
      for (size_t i = 0; i < names.size(); ++i) {
        if (leaves_[i]) {
          program_.inputs[next++].name = names[i];
        }
      }
      return;
    }
  }

  void read_node(const schema::Node& node) {
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
    program_.steps.push_back(std::move(step));
  }

  static std::string name_of_result(const schema::Node& node) {
    using Kind = schema::Argument::Tag;
    const auto& results = node.get_outputs();
    return !results.empty() && results[0].tag() == Kind::AS_TENSOR
        ? results[0].get_as_tensor().get_name()
        : "";
  }

  void read_operands(const schema::Node& node, ProgramStep& step) {
    const auto slots = [this](const std::string& name) {
      return slot_of(name);
    };
    if (!step.op) {
      for (const auto& input : node.get_inputs()) {
        step.operands.push_back(operand_of(input.get_arg(), nullptr, slots));
        check_operand(step.operands.back(), nullptr, kinds_);
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
        check_operand(step.operands.back(), &wanted, kinds_);
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
    return name.empty() ? kNoSlot : new_slot(name, kind);
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
      const bool is_flag =
          name == "train" || name == "training" || name == "use_input_stats";
      if (is_flag && value.isBool() && value.toBool() && has_statistics(step)) {
        step.in_eval.emplace(i, false);
      } else if (
          name == "dropout_p" && value.isDouble() && value.toDouble() > 0) {
        step.in_eval.emplace(i, 0.0);
      }
    }
    if (step.op->schema().name() == "aten::add_" &&
        step.operands[0].kind == Operand::Kind::kValue) {
      step.only_in_training = counters_.count(step.operands[0].slot) > 0;
    }
    program_.has_modes = program_.has_modes || step.in_eval.has_value();
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

  void read_outputs() {
    using Kind = schema::OutputSpec::Tag;
    for (const auto& output :
         file_.get_graph_module().get_signature().get_output_specs()) {
      switch (output.tag()) {
        case Kind::USER_OUTPUT: {
          const auto& value = output.get_user_output().get_arg();
          TORCH_CHECK_VALUE(
              value.tag() == schema::Argument::Tag::AS_TENSOR,
              "it gives an output of the kind ",
              schema::printEnum(value.tag()),
              "; tensors alone can be given back.");
          program_.outputs.push_back(
              tensor_of(value.get_as_tensor().get_name()));
          break;
        }
        case Kind::BUFFER_MUTATION: {
          const auto& update = output.get_buffer_mutation();
          const auto buffer = weights_.find(update.get_buffer_name());
          TORCH_CHECK_VALUE(
              buffer != weights_.end() &&
                  program_.weights[buffer->second].kind !=
                      ProgramWeight::Kind::kParameter,
              "it changes the buffer '",
              update.get_buffer_name(),
              "', which it does not have.");
          program_.updates.push_back(
              {tensor_of(update.get_arg().get_name()),
               buffer->second,
               counts_batches(buffer->first)});
          program_.weights[buffer->second].is_updated = true;
          break;
        }
        default:
          TORCH_CHECK_VALUE(
              false,
              "it has an output of the kind ",
              schema::printEnum(output.tag()),
              ", as programs have that change their inputs or hold their own "
              "backward; export the plain forward.");
      }
    }
  }

  // After the last step that reads a value, it goes.
  void free_values() {
    std::set<Slot> seen(program_.outputs.begin(), program_.outputs.end());
    for (const auto& update : program_.updates) {
      seen.insert(update.result);
    }
    const auto use = [&](ProgramStep& step, Slot slot) {
      if (slot != kNoSlot && seen.insert(slot).second) {
        step.done.push_back(slot);
      }
    };
    for (auto& step : std::views::reverse(program_.steps)) {
      for (const auto& result : step.results) {
        for (const auto slot : result.slots) {
          use(step, slot);
        }
      }
      for (const auto& operand : step.operands) {
        use(step, operand.slot);
        for (const auto& part : operand.parts) {
          use(step, part.slot);
        }
      }
    }
  }

  const schema::ExportedProgram& file_;
  const schema::Graph& graph_;
  Program program_;
  std::unordered_map<std::string, Slot> names_;
  std::vector<ValueKind> kinds_; // by slot
  std::set<Slot> counters_;      // of batches
  std::set<std::string> modules_;
  /// The places of the weights by their names.
  std::map<std::string, size_t> weights_;
  /// For each input in Python's order, whether it is a tensor.
  std::vector<bool> leaves_;
};

} // namespace

Program parse_program(const std::string& json) {
  schema::ExportedProgram program;
  {
    const auto file = parse_json(json);
    const auto version = file.find("schema_version");
    TORCH_CHECK_VALUE(
        version != file.end() && version->is_object() &&
            version->contains("major") && (*version)["major"] == kSchemaMajor,
        "its schema is version ",
        version == file.end() ? "unknown" : version->dump(),
        ", and this LibTorch reads version ",
        kSchemaMajor,
        "; export it again with a PyTorch of this version.");
    try {
      program = file.get<schema::ExportedProgram>();
    } catch (const std::exception& error) {
      TORCH_CHECK_VALUE(false, "its program is damaged: ", error.what());
    }
  }
  try {
    return ProgramParser(program).parse();
  } catch (const std::bad_variant_access&) {
    TORCH_CHECK_VALUE(
        false,
        "its program is damaged: an input, output or size is of no known "
        "kind.");
  }
}

} // namespace polytask::io::detail

#endif
