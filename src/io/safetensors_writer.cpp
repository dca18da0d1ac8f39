// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/safetensors_writer.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cstdint>

#include "core/check.h"
#include "io/safetensors_dtype.h"
#include "io/tree_check.h"

namespace polytask::io::detail {

namespace {

SafetensorsHeader header_for_safetensors(
    const std::string& who,
    const NamedTensors& tensors,
    const std::map<std::string, std::string>& metadata) {
  SafetensorsHeader header;
  header.metadata = metadata;
  for (const auto& item : tensors) {
    const std::string& name = item.key();
    const at::Tensor& tensor = item.value();
    const std::string fault = name == kSafetensorsMetadata
        ? "the format keeps that name for itself"
        : safetensors_fault(tensor);
    TORCH_CHECK_VALUE(
        fault.empty(), who, ": ", shown_tensor(name), ": ", fault, ".");
    header.names.push_back(name);
    header.entries[name] = {tensor.scalar_type(), tensor.sizes().vec()};
  }
  const auto element_size = [&](const std::string& name) {
    return c10::elementSize(header.entries.at(name).dtype);
  };
  std::stable_sort(
      header.names.begin(),
      header.names.end(),
      [&](const std::string& left, const std::string& right) {
        return element_size(left) > element_size(right);
      });
  uint64_t end = 0;
  for (const auto& name : header.names) {
    auto& entry = header.entries.at(name);
    entry.begin = end;
    end += tensors[name].nbytes();
    entry.end = end;
  }
  return header;
}

} // namespace

std::string safetensors_fault(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return "it is undefined";
  }
  if (tensor.is_quantized()) {
    return "it is quantized";
  }
  if (tensor.is_nested()) {
    return "it is nested";
  }
  if (tensor.layout() != at::kStrided) {
    return c10::str("it is not dense, but ", tensor.layout());
  }
  if (safetensors_name(tensor.scalar_type()).empty()) {
    return c10::str("the format has no dtype for ", tensor.scalar_type()) +
        "; it has " + polytask::detail::quoted(safetensors_dtype_names());
  }
  if (tensor.is_meta() || !tensor.has_storage() || !has_all_memory(tensor)) {
    return "it has no data";
  }
  return "";
}

SafetensorsWriter::SafetensorsWriter(
    const std::string& who,
    NamedTensors tensors,
    const std::map<std::string, std::string>& metadata)
    : tensors_(std::move(tensors)),
      header_(header_for_safetensors(who, tensors_, metadata)),
      text_(safetensors_header_text(who, header_)) {}

void SafetensorsWriter::write_to(
    const std::function<void(const void*, size_t)>& write) const {
  const SafetensorsLength length = text_.size();
  write(&length, sizeof(length));
  write(text_.data(), text_.size());
  for (const auto& name : header_.names) {
    const at::Tensor tensor = tensors_[name].detach();
    const at::Tensor values =
        tensor.resolve_conj().resolve_neg().to(at::kCPU).contiguous();
    write(values.const_data_ptr(), values.nbytes());
  }
}

} // namespace polytask::io::detail
