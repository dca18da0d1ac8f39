// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/python_dtypes.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <string_view>

namespace polytask::io::detail {

namespace {

// Of the dtypes that came later, which have no class of storages, Python's name
// is LibTorch's in small letters. So no list of them depends on its version.
bool is_later_dtype(std::string_view name) {
  for (const std::string_view start :
       {"UInt16", "UInt32", "UInt64", "Float8_", "Float4_", "Bits"}) {
    if (name.substr(0, start.size()) == start) {
      return true;
    }
  }
  return false;
}

std::vector<PythonDtype> all_python_dtypes() {
  std::vector<PythonDtype> all = {
      {at::kDouble, "float64", "DoubleStorage"},
      {at::kFloat, "float32", "FloatStorage"},
      {at::kHalf, "float16", "HalfStorage"},
      {at::kBFloat16, "bfloat16", "BFloat16Storage"},
      {at::kLong, "int64", "LongStorage"},
      {at::kInt, "int32", "IntStorage"},
      {at::kShort, "int16", "ShortStorage"},
      {at::kChar, "int8", "CharStorage"},
      {at::kByte, "uint8", "ByteStorage"},
      {at::kBool, "bool", "BoolStorage"},
      {at::kComplexDouble, "complex128", "ComplexDoubleStorage"},
      {at::kComplexFloat, "complex64", "ComplexFloatStorage"},
      {at::kComplexHalf, "complex32", ""},
  };
  for (int i = 0; i < static_cast<int>(at::ScalarType::NumOptions); ++i) {
    const auto type = static_cast<at::ScalarType>(i);
    std::string name(at::toString(type));
    if (is_later_dtype(name)) {
      std::transform(name.begin(), name.end(), name.begin(), [](char c) {
        return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      });
      all.push_back({type, name, ""});
    }
  }
  return all;
}

} // namespace

const std::vector<PythonDtype>& python_dtypes() {
  static const std::vector<PythonDtype> all = all_python_dtypes();
  return all;
}

const PythonDtype* python_dtype(at::ScalarType type) {
  for (const auto& dtype : python_dtypes()) {
    if (dtype.type == type) {
      return &dtype;
    }
  }
  return nullptr;
}

} // namespace polytask::io::detail
