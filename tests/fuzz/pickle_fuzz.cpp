// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/python_file.h>

#include <ATen/core/Dict.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/arange.h>

#include <string>

#include "io/unpickler.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/targets.h"

namespace polytask::fuzz {

namespace {

constexpr int64_t kStorageSize = 64; // bytes

// Reads a tensor's last element; of a lazy view, its memory.
void touch(const at::Tensor& tensor) {
  if (tensor.numel() == 0) {
    return;
  }
  int64_t last = tensor.storage_offset();
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    last += (tensor.size(i) - 1) * tensor.stride(i);
  }
  const auto end = (last + 1) * static_cast<int64_t>(tensor.itemsize());
  expect(
      end > 0 && end <= static_cast<int64_t>(tensor.storage().nbytes()),
      "tensors lie in their storages");
}

// Every tensor once for each way to it, as long as they are few.
void touch_all(const c10::IValue& value, int& left) {
  if (--left < 0) {
    return;
  }
  if (value.isTensor()) {
    touch(value.toTensor());
  } else if (value.isList()) {
    for (const auto& item : value.toListRef()) {
      touch_all(item, left);
    }
  } else if (value.isTuple()) {
    for (const auto& item : value.toTupleRef().elements()) {
      touch_all(item, left);
    }
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      touch_all(entry.key(), left);
      touch_all(entry.value(), left);
    }
  }
}

} // namespace

void read_pickle_bytes(std::string_view bytes) {
  static const at::Tensor numbers = at::arange(kStorageSize, at::kByte);
  const auto value = io::detail::unpickle(bytes, [](const std::string& key) {
    TORCH_CHECK_VALUE(key == "0", "There is no such record.");
    return numbers.storage();
  });
  int left = 1000;
  touch_all(value, left);
  // The same from a file.
  const std::string_view storage(
      static_cast<const char*>(numbers.const_data_ptr()), numbers.nbytes());
  io::read_python(
      file_with(zip_of({{"a/data.pkl", bytes}, {"a/data/0", storage}})));
}

} // namespace polytask::fuzz
