// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ScalarOps.h>
#include <ATen/core/List.h>
#include <ATen/core/jit_type.h>

#include "io/exported/program.h"

namespace polytask::io::detail {

namespace {

using Values = std::vector<c10::IValue>;

template <typename T, typename Convert>
c10::IValue list_of_parts(
    const Operand& operand, const Values& values, const Convert& convert) {
  c10::List<T> list;
  list.reserve(operand.parts.size());
  for (const auto& part : operand.parts) {
    list.push_back(convert(
        part.kind == Operand::Kind::kValue ? values[part.slot]
                                           : part.constant));
  }
  return list;
}

c10::IValue generic_list(
    const Operand& operand, const Values& values, const c10::TypePtr& type) {
  c10::impl::GenericList list(type);
  list.reserve(operand.parts.size());
  for (const auto& part : operand.parts) {
    list.push_back(
        part.kind == Operand::Kind::kValue ? values[part.slot] : part.constant);
  }
  return list;
}

} // namespace

c10::IValue number_as_tensor(const c10::IValue& number) {
  at::Tensor tensor = at::scalar_to_tensor(number.toScalar());
  tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
  return tensor;
}

c10::IValue value_of(
    const Operand& operand,
    const std::vector<c10::IValue>& values,
    const at::Device& device) {
  using Kind = Operand::Kind;
  switch (operand.kind) {
    case Kind::kConstant:
      return operand.constant;
    case Kind::kDevice:
      return device;
    case Kind::kValue:
      return values[operand.slot];
    case Kind::kNumberAsTensor:
      return number_as_tensor(values[operand.slot]);
    case Kind::kNumberAsFloat:
      return values[operand.slot].toScalar().toDouble();
    case Kind::kInts:
      return list_of_parts<int64_t>(
          operand, values, [](const c10::IValue& v) { return v.toInt(); });
    case Kind::kFloats:
      return list_of_parts<double>(operand, values, [](const c10::IValue& v) {
        return v.toScalar().toDouble();
      });
    case Kind::kBools:
      return list_of_parts<bool>(
          operand, values, [](const c10::IValue& v) { return v.toBool(); });
    case Kind::kScalars:
      return generic_list(operand, values, c10::NumberType::get());
    case Kind::kTensors:
      return list_of_parts<at::Tensor>(
          operand, values, [](const c10::IValue& v) { return v.toTensor(); });
    case Kind::kOptionalTensors:
      return generic_list(operand, values, c10::OptionalType::ofTensor());
  }
  return {};
}

} // namespace polytask::io::detail
