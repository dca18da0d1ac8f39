// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <functional>
#include <string_view>

namespace polytask::detail {

/// Of all its bytes; waits for a device.
inline size_t hash_of(const at::Tensor& tensor) {
  const at::Tensor here = tensor.detach().cpu().contiguous();
  return std::hash<std::string_view>()(
      {static_cast<const char*>(here.const_data_ptr()), here.nbytes()});
}

} // namespace polytask::detail
