// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/ivalue.h>
#include <c10/core/Storage.h>

#include <functional>
#include <string>
#include <string_view>

#include <polytask/core/api.h>

namespace polytask::io::detail {

/// The bytes of the storage of that name, the same each time.
using StorageOf = std::function<c10::Storage(const std::string& key)>;

/// The value of a pickle of protocols 2 to 5 as `torch.save` writes them; see
/// `read_python` for what it may hold. Throws c10::Error, mostly ValueError,
/// without saying of which file.
POLYTASK_API c10::IValue unpickle(
    std::string_view pickle, const StorageOf& storage_of);

} // namespace polytask::io::detail
