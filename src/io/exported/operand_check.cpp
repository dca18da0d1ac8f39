// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/core/jit_type.h>
#include <c10/util/Exception.h>

#include <algorithm>

#include "io/exported/operand.h"

namespace polytask::io::detail {

namespace {

using Kinds = std::vector<ValueKind>;
using WantedKind = c10::TypeKind;

bool is_number_kind(WantedKind kind) {
  return kind == WantedKind::IntType || kind == WantedKind::FloatType ||
      kind == WantedKind::BoolType || kind == WantedKind::NumberType;
}

c10::TypePtr not_optional(c10::TypePtr type) {
  while (type->kind() == WantedKind::OptionalType) {
    type = type->castRaw<c10::OptionalType>()->getElementType();
  }
  return type;
}

bool constant_fits(const c10::IValue& constant, const c10::TypePtr& wanted) {
  return constant.type()->isSubtypeOf(*wanted) ||
      (constant.isBool() &&
       not_optional(wanted)->kind() == WantedKind::NumberType);
}

bool value_fits(ValueKind kind, WantedKind wanted) {
  switch (kind) {
    case ValueKind::kTensor:
      return wanted == WantedKind::TensorType;
    case ValueKind::kInt:
      return wanted == WantedKind::IntType || wanted == WantedKind::NumberType;
    case ValueKind::kFloat:
      return wanted == WantedKind::FloatType ||
          wanted == WantedKind::NumberType;
    case ValueKind::kBool:
      return wanted == WantedKind::BoolType || wanted == WantedKind::NumberType;
  }
  return false;
}

bool is_wanted(
    const Operand& operand, const c10::TypePtr& wanted, const Kinds& kinds);

bool list_fits(
    const Operand& list,
    const c10::TypePtr& wanted,
    WantedKind elements,
    const Kinds& kinds) {
  if (wanted->kind() != WantedKind::ListType) {
    return false;
  }
  const auto& each = wanted->castRaw<c10::ListType>()->getElementType();
  if (each->kind() != elements) {
    return false;
  }
  // Lists of reals and scalars take each number as it comes.
  const auto fits = [&](const Operand& part) {
    return elements == WantedKind::FloatType && part.slot != kNoSlot
        ? kinds[part.slot] != ValueKind::kTensor
        : is_wanted(part, each, kinds);
  };
  return std::all_of(list.parts.begin(), list.parts.end(), fits);
}

bool is_wanted(
    const Operand& operand, const c10::TypePtr& wanted, const Kinds& kinds) {
  using Kind = Operand::Kind;
  const auto plain = not_optional(wanted);
  switch (operand.kind) {
    case Kind::kConstant:
      return constant_fits(operand.constant, wanted);
    case Kind::kDevice:
      return plain->kind() == WantedKind::DeviceObjType;
    case Kind::kValue:
      return value_fits(kinds[operand.slot], plain->kind());
    case Kind::kNumberAsTensor:
      return plain->kind() == WantedKind::TensorType &&
          kinds[operand.slot] != ValueKind::kTensor;
    case Kind::kNumberAsFloat:
      return plain->kind() == WantedKind::FloatType &&
          kinds[operand.slot] != ValueKind::kTensor;
    case Kind::kInts:
      return list_fits(operand, plain, WantedKind::IntType, kinds);
    case Kind::kFloats:
      return list_fits(operand, plain, WantedKind::FloatType, kinds);
    case Kind::kBools:
      return list_fits(operand, plain, WantedKind::BoolType, kinds);
    case Kind::kScalars:
      return list_fits(operand, plain, WantedKind::NumberType, kinds);
    case Kind::kTensors:
      return list_fits(operand, plain, WantedKind::TensorType, kinds);
    case Kind::kOptionalTensors:
      return list_fits(operand, plain, WantedKind::OptionalType, kinds);
  }
  return false;
}

bool is_number(const Operand& operand, const Kinds& kinds) {
  return operand.kind == Operand::Kind::kValue
      ? kinds[operand.slot] != ValueKind::kTensor
      : operand.kind == Operand::Kind::kConstant &&
          operand.constant.isScalar() && !operand.constant.isComplexDouble();
}

} // namespace

void check_operand(
    const Operand& operand, const c10::Argument* wanted, const Kinds& kinds) {
  if (wanted == nullptr) {
    TORCH_CHECK_VALUE(
        is_number(operand, kinds), "has an argument that is no number.");
    return;
  }
  TORCH_CHECK_VALUE(
      is_wanted(operand, wanted->type(), kinds),
      "has an argument '",
      wanted->name(),
      "' of another kind than the operator takes, which is ",
      wanted->type()->str(),
      ".");
  // A number as a tensor is there for all runs.
  const bool is_written =
      wanted->alias_info() != nullptr && wanted->alias_info()->isWrite();
  TORCH_CHECK_VALUE(
      !is_written || operand.kind == Operand::Kind::kValue ||
          operand.kind == Operand::Kind::kTensors,
      "changes its argument '",
      wanted->name(),
      "' in place, which is no value of the program.");
}

void check_result(const Result& result, const c10::Argument& given) {
  const auto plain = not_optional(given.type());
  const bool is_nothing = !result.is_list && result.slots[0] == kNoSlot;
  const bool fits = is_nothing ||
      (plain->kind() == WantedKind::ListType ? result.is_list &&
               not_optional(plain->castRaw<c10::ListType>()->getElementType())
                       ->kind() == WantedKind::TensorType
                                             : !result.is_list &&
               (plain->kind() == WantedKind::TensorType
                    ? result.kind == ValueKind::kTensor
                    : is_number_kind(plain->kind()) &&
                        result.kind != ValueKind::kTensor));
  TORCH_CHECK_VALUE(
      fits,
      "has a result of another kind than the operator gives, which is ",
      given.type()->str(),
      ".");
}

} // namespace polytask::io::detail
