// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/safetensors_dtype.h"

#include <torch/version.h>

#include <algorithm>
#include <iterator>

namespace polytask::io::detail {

namespace {

struct SafetensorsDtypeName {
  at::ScalarType dtype;
  std::string_view name;
};

constexpr SafetensorsDtypeName kSafetensorsDtypes[] = {
    {at::ScalarType::Double, "F64"},
    {at::ScalarType::Float, "F32"},
    {at::ScalarType::Half, "F16"},
    {at::ScalarType::BFloat16, "BF16"},
    {at::ScalarType::ComplexFloat, "C64"},
    {at::ScalarType::Long, "I64"},
    {at::ScalarType::Int, "I32"},
    {at::ScalarType::Short, "I16"},
    {at::ScalarType::Char, "I8"},
    {at::ScalarType::UInt64, "U64"},
    {at::ScalarType::UInt32, "U32"},
    {at::ScalarType::UInt16, "U16"},
    {at::ScalarType::Byte, "U8"},
    {at::ScalarType::Bool, "BOOL"},
    {at::ScalarType::Float8_e4m3fn, "F8_E4M3"},
    {at::ScalarType::Float8_e5m2, "F8_E5M2"},
    {at::ScalarType::Float8_e4m3fnuz, "F8_E4M3FNUZ"},
    {at::ScalarType::Float8_e5m2fnuz, "F8_E5M2FNUZ"},
#if TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 7
    {at::ScalarType::Float8_e8m0fnu, "F8_E8M0"},
#endif
};

} // namespace

std::string_view safetensors_name(at::ScalarType dtype) {
  const auto* const found = std::find_if(
      std::begin(kSafetensorsDtypes),
      std::end(kSafetensorsDtypes),
      [&](const auto& known) { return known.dtype == dtype; });
  return found == std::end(kSafetensorsDtypes) ? std::string_view()
                                               : found->name;
}

std::optional<at::ScalarType> safetensors_dtype(std::string_view name) {
  const auto* const found = std::find_if(
      std::begin(kSafetensorsDtypes),
      std::end(kSafetensorsDtypes),
      [&](const auto& known) { return known.name == name; });
  return found == std::end(kSafetensorsDtypes) ? std::nullopt
                                               : std::optional(found->dtype);
}

std::vector<std::string> safetensors_dtype_names() {
  std::vector<std::string> names;
  for (const auto& known : kSafetensorsDtypes) {
    names.emplace_back(known.name);
  }
  return names;
}

} // namespace polytask::io::detail
