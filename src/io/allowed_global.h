// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/ScalarType.h>

#include <string>

namespace polytask::io::detail {

/// Python's functions and classes that a pickle may name.
enum class GlobalRole {
  kOrderedDict,
  kCounter,
  kSize,
  kDevice,
  kTensor,
  kTypedTensor,
  kParameter,
  kParameterWithState,
  kStorage,
  kStorageOfBytes,
  kDtype
};

struct PickleGlobal {
  std::string name;
  GlobalRole role;
  at::ScalarType type = at::kByte; // of a dtype or of storages
};

/// By its module and name; null for all others.
const PickleGlobal* allowed_global(const std::string& name);

} // namespace polytask::io::detail
