// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/exported/schema_types.h"
#include "io/exported/has_schema.h"

#if POLYTASK_HAS_PROGRAM_SCHEMA

#include <c10/util/Exception.h>
#include <torch/csrc/utils/generated_serialization_types.h>

namespace polytask::io::detail {

namespace schema = torch::_export;

at::ScalarType dtype_of(schema::ScalarType type) {
  using From = schema::ScalarType;
  switch (type) {
    case From::BYTE:
      return at::kByte;
    case From::CHAR:
      return at::kChar;
    case From::SHORT:
      return at::kShort;
    case From::INT:
      return at::kInt;
    case From::LONG:
      return at::kLong;
    case From::HALF:
      return at::kHalf;
    case From::FLOAT:
      return at::kFloat;
    case From::DOUBLE:
      return at::kDouble;
    case From::COMPLEXHALF:
      return at::kComplexHalf;
    case From::COMPLEXFLOAT:
      return at::kComplexFloat;
    case From::COMPLEXDOUBLE:
      return at::kComplexDouble;
    case From::BOOL:
      return at::kBool;
    case From::BFLOAT16:
      return at::kBFloat16;
    case From::UINT16:
      return at::kUInt16;
    case From::UINT32:
      return at::kUInt32;
    case From::UINT64:
      return at::kUInt64;
    case From::FLOAT8E4M3FN:
      return at::kFloat8_e4m3fn;
    case From::FLOAT8E5M2:
      return at::kFloat8_e5m2;
    case From::FLOAT8E4M3FNUZ:
      return at::kFloat8_e4m3fnuz;
    case From::FLOAT8E5M2FNUZ:
      return at::kFloat8_e5m2fnuz;
    default:
      TORCH_CHECK_VALUE(
          false,
          "the dtype with the number ",
          static_cast<int>(type),
          " is not known.");
  }
}

at::MemoryFormat memory_format_of(schema::MemoryFormat format) {
  using From = schema::MemoryFormat;
  switch (format) {
    case From::ContiguousFormat:
      return at::MemoryFormat::Contiguous;
    case From::ChannelsLast:
      return at::MemoryFormat::ChannelsLast;
    case From::ChannelsLast3d:
      return at::MemoryFormat::ChannelsLast3d;
    case From::PreserveFormat:
      return at::MemoryFormat::Preserve;
    default:
      TORCH_CHECK_VALUE(
          false,
          "the memory format with the number ",
          static_cast<int>(format),
          " is not known.");
  }
}

at::Layout layout_of(schema::Layout layout) {
  TORCH_CHECK_VALUE(
      layout == schema::Layout::Strided,
      "the layout with the number ",
      static_cast<int>(layout),
      " is none of a strided tensor.");
  return at::kStrided;
}

} // namespace polytask::io::detail

#endif
