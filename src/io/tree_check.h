// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <set>
#include <utility>

namespace polytask::io::detail {

/// The part of its storage that a tensor looks into, in bytes.
struct StoragePart {
  int64_t begin = 0;
  int64_t size = 0;
};

StoragePart storage_part(const at::Tensor& tensor);

/// Whether its storage has values for all of its elements: one that was resized
/// to nothing has none, nor has LibTorch's tensor of zeros that were never
/// made.
bool has_all_memory(const at::Tensor& tensor);

/// Whether the part has no more elements than the tensor: it can be written as
/// it is, with the tensor's strides.
bool is_dense(const at::Tensor& tensor, const StoragePart& part);

/// Storages that a tensor of a tree looks into from end to end; not twice with
/// different dtypes, for which Python's classes of storages have no form.
using WholeStorages = std::set<std::pair<c10::StorageImpl*, at::ScalarType>>;

/// Walks a tree of values that is to be written. Throws ValueError that names
/// the place in it of the first that cannot be; see write_python.
WholeStorages check_tree(const c10::IValue& value);

} // namespace polytask::io::detail
