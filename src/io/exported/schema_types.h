// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>

namespace torch::_export {
enum class ScalarType;
enum class MemoryFormat;
enum class Layout;
} // namespace torch::_export

namespace polytask::io::detail {

/// LibTorch's for those of the file, whose numbers are others. They throw where
/// there is none.
at::ScalarType dtype_of(torch::_export::ScalarType type);
at::MemoryFormat memory_format_of(torch::_export::MemoryFormat format);
at::Layout layout_of(torch::_export::Layout layout);

} // namespace polytask::io::detail
