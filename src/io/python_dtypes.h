// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/ScalarType.h>

#include <string>
#include <vector>

namespace polytask::io::detail {

/// A dtype by Python's names in the module torch.
struct PythonDtype {
  at::ScalarType type;
  std::string name;    // "float32"
  std::string storage; // "FloatStorage"; empty where storages are of bytes
};

/// All those that `torch.save` writes as plain tensors.
const std::vector<PythonDtype>& python_dtypes();

/// Null where there is none.
const PythonDtype* python_dtype(at::ScalarType type);

} // namespace polytask::io::detail
