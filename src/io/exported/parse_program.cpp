// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/exported/has_schema.h"

#if POLYTASK_HAS_PROGRAM_SCHEMA

#include <c10/util/Exception.h>
#include <torch/csrc/utils/generated_serialization_types.h>
#include <nlohmann/json.hpp>

#include <ranges>
#include <set>
#include <variant>

#include "io/exported/input_names.h"
#include "io/exported/program.h"
#include "io/exported/program_values.h"
#include "io/exported/read_inputs.h"
#include "io/exported/read_node.h"
#include "io/exported/stochastic_depth.h"

namespace polytask::io::detail {

namespace {

namespace schema = torch::_export;

constexpr int64_t kSchemaMajor = 8;

class ProgramParser {
 public:
  explicit ProgramParser(const schema::ExportedProgram& file) : file_(file) {}

  Program parse() {
    known_ = read_inputs(file_, values_, program_);
    for (const auto& node : file_.get_graph_module().get_graph().get_nodes()) {
      program_.steps.push_back(read_node(node, values_, known_.counters));
      program_.has_modes =
          program_.has_modes || program_.steps.back().in_eval.has_value();
      program_.has_norms_of_eval =
          program_.has_norms_of_eval || program_.steps.back().is_norm_of_eval;
    }
    program_.has_modes =
        turn_stochastic_depth(program_.steps) || program_.has_modes;
    read_outputs();
    program_.slots = values_.size();
    free_values();
    return std::move(program_);
  }

 private:
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
              values_.tensor_of(value.get_as_tensor().get_name()));
          break;
        }
        case Kind::BUFFER_MUTATION: {
          const auto& update = output.get_buffer_mutation();
          const auto buffer = known_.places.find(update.get_buffer_name());
          TORCH_CHECK_VALUE(
              buffer != known_.places.end() &&
                  program_.weights[buffer->second].kind !=
                      ProgramWeight::Kind::kParameter,
              "it changes the buffer '",
              update.get_buffer_name(),
              "', which it does not have.");
          program_.updates.push_back(
              {values_.tensor_of(update.get_arg().get_name()),
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
  ProgramValues values_;
  KnownWeights known_;
  Program program_;
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
