// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/exported/operand.h"
#include "io/exported/has_schema.h"

#if POLYTASK_HAS_PROGRAM_SCHEMA

#include <ATen/core/jit_type.h>
#include <c10/util/Exception.h>
#include <torch/csrc/utils/generated_serialization_types.h>

#include "io/exported/schema_types.h"

namespace polytask::io::detail {

namespace {

namespace schema = torch::_export;
using Tag = schema::Argument::Tag;

// Without `Optional`.
c10::TypePtr plain_type(c10::TypePtr type) {
  while (type && type->kind() == c10::TypeKind::OptionalType) {
    type = type->castRaw<c10::OptionalType>()->getElementType();
  }
  return type;
}

// Of what a list is; null for what is none.
c10::TypePtr element_type(const c10::TypePtr& type) {
  return type && type->kind() == c10::TypeKind::ListType
      ? type->castRaw<c10::ListType>()->getElementType()
      : nullptr;
}

Operand constant(c10::IValue value) {
  Operand operand;
  operand.constant = std::move(value);
  return operand;
}

Operand value_in(Slot slot) {
  Operand operand;
  operand.kind = Operand::Kind::kValue;
  operand.slot = slot;
  return operand;
}

bool is_of_kind(const c10::TypePtr& type, c10::TypeKind kind) {
  return type && type->kind() == kind;
}

// As Python converts numbers where an operator wants others.
Operand number_as(c10::IValue number, const c10::TypePtr& type) {
  if (is_of_kind(type, c10::TypeKind::FloatType) &&
      (number.isInt() || number.isBool())) {
    return constant(number.toScalar().toDouble());
  }
  if (is_of_kind(type, c10::TypeKind::BoolType) && number.isInt()) {
    return constant(number.toInt() != 0);
  }
  if (is_of_kind(type, c10::TypeKind::IntType) && number.isBool()) {
    return constant(static_cast<int64_t>(number.toBool()));
  }
  if (is_of_kind(type, c10::TypeKind::TensorType)) {
    return constant(number_as_tensor(number));
  }
  return constant(std::move(number));
}

// A value of the program that is a number, where something else may be wanted.
Operand value_as(Operand operand, const c10::TypePtr& type) {
  if (operand.kind == Operand::Kind::kConstant) {
    return number_as(std::move(operand.constant), type);
  }
  if (is_of_kind(type, c10::TypeKind::TensorType)) {
    operand.kind = Operand::Kind::kNumberAsTensor;
  } else if (is_of_kind(type, c10::TypeKind::FloatType)) {
    operand.kind = Operand::Kind::kNumberAsFloat;
  }
  return operand;
}

// Whether a list of numbers never changes, and has those that it is to have.
bool is_constant(const Operand& list) {
  using Kind = Operand::Kind;
  for (const auto& part : list.parts) {
    const auto& number = part.constant;
    const bool fits = list.kind == Kind::kInts ? number.isInt()
        : list.kind == Kind::kFloats           ? number.isDouble()
        : list.kind == Kind::kBools            ? number.isBool()
                                               : number.isScalar();
    if (part.kind != Kind::kConstant || !fits) {
      return false;
    }
  }
  return true;
}

template <typename Values, typename MakePart>
std::vector<Operand> parts_of(const Values& values, const MakePart& make) {
  std::vector<Operand> parts;
  parts.reserve(values.size());
  for (const auto& value : values) {
    parts.push_back(make(value));
  }
  return parts;
}

Operand tensors(std::vector<Operand> parts, const c10::TypePtr& elements) {
  Operand list;
  list.parts = std::move(parts);
  list.kind = elements && elements->kind() == c10::TypeKind::OptionalType
      ? Operand::Kind::kOptionalTensors
      : Operand::Kind::kTensors;
  return list;
}

// A list of numbers, made once where it never changes.
Operand numbers(std::vector<Operand> parts, const c10::TypePtr& elements) {
  // An empty list is one of integers in the file.
  if (parts.empty() && elements &&
      (elements->kind() == c10::TypeKind::TensorType ||
       elements->kind() == c10::TypeKind::OptionalType)) {
    return tensors({}, elements);
  }
  Operand list;
  list.parts = std::move(parts);
  const auto kind = elements ? elements->kind() : c10::TypeKind::IntType;
  list.kind = kind == c10::TypeKind::FloatType ? Operand::Kind::kFloats
      : kind == c10::TypeKind::BoolType        ? Operand::Kind::kBools
      : kind == c10::TypeKind::NumberType      ? Operand::Kind::kScalars
                                               : Operand::Kind::kInts;
  return is_constant(list) ? constant(value_of(list, {}, at::kCPU)) : list;
}

template <typename Symbol>
Operand symbol(const Symbol& argument, c10::IValue number, const SlotOf& slot) {
  return argument.tag() == Symbol::Tag::AS_NAME
      ? value_in(slot(argument.get_as_name()))
      : constant(std::move(number));
}

Operand symbol_int(const schema::SymIntArgument& argument, const SlotOf& slot) {
  const bool is_name = argument.tag() == schema::SymIntArgument::Tag::AS_NAME;
  return symbol(argument, is_name ? 0 : argument.get_as_int(), slot);
}

Operand symbol_float(
    const schema::SymFloatArgument& argument, const SlotOf& slot) {
  const bool is_name = argument.tag() == schema::SymFloatArgument::Tag::AS_NAME;
  return symbol(argument, is_name ? 0 : argument.get_as_float().get(), slot);
}

Operand symbol_bool(
    const schema::SymBoolArgument& argument, const SlotOf& slot) {
  const bool is_name = argument.tag() == schema::SymBoolArgument::Tag::AS_NAME;
  return symbol(argument, is_name ? false : argument.get_as_bool(), slot);
}

// One number where a list of so many is wanted.
Operand spread(Operand operand, const c10::Argument* wanted) {
  const auto elements =
      wanted ? element_type(plain_type(wanted->type())) : nullptr;
  if (!elements) {
    return operand;
  }
  const auto count = static_cast<size_t>(wanted->N().value_or(1));
  return numbers(std::vector<Operand>(count, operand), elements);
}

} // namespace

Operand operand_of(
    const schema::Argument& argument,
    const c10::Argument* wanted,
    const SlotOf& slot_of) {
  const auto type = wanted ? plain_type(wanted->type()) : nullptr;
  const auto elements = element_type(type);
  const auto tensor = [&](const schema::TensorArgument& each) {
    return value_in(slot_of(each.get_name()));
  };
  const auto optional_tensor = [&](const schema::OptionalTensorArgument& each) {
    return each.tag() == schema::OptionalTensorArgument::Tag::AS_TENSOR
        ? tensor(each.get_as_tensor())
        : constant({});
  };
  const auto number = [&](auto value) {
    return number_as(c10::IValue(value), elements);
  };
  switch (argument.tag()) {
    case Tag::AS_NONE:
      argument.get_as_none(); // throws where it is nothing at all
      return constant({});
    case Tag::AS_TENSOR:
      return tensor(argument.get_as_tensor());
    case Tag::AS_TENSORS:
      return tensors(parts_of(argument.get_as_tensors(), tensor), elements);
    case Tag::AS_OPTIONAL_TENSOR:
      return optional_tensor(argument.get_as_optional_tensor());
    case Tag::AS_OPTIONAL_TENSORS:
      return tensors(
          parts_of(argument.get_as_optional_tensors(), optional_tensor),
          elements);
    case Tag::AS_INT:
      return spread(number_as(argument.get_as_int(), type), wanted);
    case Tag::AS_INTS:
      return numbers(parts_of(argument.get_as_ints(), number), elements);
    case Tag::AS_FLOAT:
      return spread(number_as(argument.get_as_float().get(), type), wanted);
    case Tag::AS_FLOATS:
      return numbers(
          parts_of(
              argument.get_as_floats(),
              [](const schema::F64& each) { return constant(each.get()); }),
          elements ? elements : c10::TypePtr(c10::FloatType::get()));
    case Tag::AS_BOOL:
      return spread(number_as(argument.get_as_bool(), type), wanted);
    case Tag::AS_BOOLS:
      return numbers(
          parts_of(
              argument.get_as_bools(),
              [](bool each) { return constant(each); }),
          c10::BoolType::get());
    case Tag::AS_STRING:
      return constant(argument.get_as_string());
    case Tag::AS_STRINGS:
      return constant(c10::List<std::string>(argument.get_as_strings()));
    case Tag::AS_SYM_INT:
      return spread(
          value_as(symbol_int(argument.get_as_sym_int(), slot_of), type),
          wanted);
    case Tag::AS_SYM_INTS:
      return numbers(
          parts_of(
              argument.get_as_sym_ints(),
              [&](const auto& each) { return symbol_int(each, slot_of); }),
          elements);
    case Tag::AS_SYM_FLOAT:
      return value_as(symbol_float(argument.get_as_sym_float(), slot_of), type);
    case Tag::AS_SYM_FLOATS:
      return numbers(
          parts_of(
              argument.get_as_sym_floats(),
              [&](const auto& each) { return symbol_float(each, slot_of); }),
          elements ? elements : c10::TypePtr(c10::FloatType::get()));
    case Tag::AS_SYM_BOOL:
      return value_as(symbol_bool(argument.get_as_sym_bool(), slot_of), type);
    case Tag::AS_SYM_BOOLS:
      return numbers(
          parts_of(
              argument.get_as_sym_bools(),
              [&](const auto& each) { return symbol_bool(each, slot_of); }),
          c10::BoolType::get());
    case Tag::AS_SCALAR_TYPE:
      return constant(
          static_cast<int64_t>(dtype_of(argument.get_as_scalar_type())));
    case Tag::AS_MEMORY_FORMAT:
      return constant(static_cast<int64_t>(
          memory_format_of(argument.get_as_memory_format())));
    case Tag::AS_LAYOUT:
      return constant(
          static_cast<int64_t>(layout_of(argument.get_as_layout())));
    case Tag::AS_DEVICE: {
      Operand device;
      device.kind = Operand::Kind::kDevice;
      return device;
    }
    case Tag::AS_COMPLEX:
      return constant(c10::complex<double>(
          argument.get_as_complex().get_real().get(),
          argument.get_as_complex().get_imag().get()));
    default:
      TORCH_CHECK_VALUE(
          false,
          "takes an argument of the kind ",
          schema::printEnum(argument.tag()),
          ", which cannot be used (tensors, numbers, texts and lists of them "
          "can).");
  }
}

} // namespace polytask::io::detail

#endif
