// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/exported/has_schema.h"

#if POLYTASK_HAS_PROGRAM_SCHEMA

#include <c10/util/Exception.h>
#include <torch/csrc/utils/generated_serialization_types.h>
#include <nlohmann/json.hpp>

#include "io/exported/input_names.h"
#include "io/exported/read_inputs.h"

namespace polytask::io::detail {

namespace {

namespace schema = torch::_export;

constexpr size_t kDeepestWeight = 64; // modules within modules

class InputReader {
 public:
  InputReader(
      const schema::ExportedProgram& file,
      ProgramValues& values,
      Program& program)
      : file_(file),
        graph_(file.get_graph_module().get_graph()),
        values_(values),
        program_(program) {}

  KnownWeights read() {
    read_ranges();
    read_inputs();
    check_modules();
    name_inputs();
    return std::move(known_);
  }

 private:
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
  }

  void add_weight(
      ProgramWeight::Kind kind,
      const std::string& name,
      const std::string& value) {
    TORCH_CHECK_VALUE(
        known_.places.emplace(name, program_.weights.size()).second,
        "two of its tensors have the name '",
        name,
        "'.");
    program_.weights.push_back({kind, name, values_.new_slot(value)});
    if (kind == ProgramWeight::Kind::kConstant) {
      return;
    }
    if (counts_batches(name)) {
      known_.counters.insert(program_.weights.back().slot);
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
    input.slot = values_.new_slot(name);
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
    if (text.starts_with(kSymbol) && end != std::string::npos) {
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

  const schema::ExportedProgram& file_;
  const schema::Graph& graph_;
  ProgramValues& values_;
  Program& program_;
  KnownWeights known_;
  std::set<std::string> modules_;
  /// For each input in Python's order, whether it is a tensor.
  std::vector<bool> leaves_;
};

} // namespace

bool counts_batches(std::string_view buffer) {
  return buffer.ends_with("num_batches_tracked");
}

KnownWeights read_inputs(
    const schema::ExportedProgram& file,
    ProgramValues& values,
    Program& program) {
  return InputReader(file, values, program).read();
}

} // namespace polytask::io::detail

#endif
