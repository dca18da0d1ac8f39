// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/safetensors.h>

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/check.h"
#include "core/new_file.h"
#include "io/mapped_file.h"
#include "io/safetensors_header.h"
#include "io/safetensors_writer.h"

namespace polytask::io {

namespace {

using detail::SafetensorsLength;

// The text of the header, without what is before and behind it.
std::string_view header_of_safetensors(
    const std::string& who, std::string_view bytes) {
  SafetensorsLength length = 0;
  TORCH_CHECK_VALUE(
      bytes.size() >= sizeof(length),
      who,
      ": expected the header's length in ",
      sizeof(length),
      " bytes, but the file has ",
      bytes.size(),
      ".");
  std::memcpy(&length, bytes.data(), sizeof(length));
  bytes.remove_prefix(sizeof(length));
  TORCH_CHECK_VALUE(
      length <= detail::kLongestSafetensorsHeader,
      who,
      ": expected a header of at most ",
      detail::kLongestSafetensorsHeader,
      " bytes, but its length is ",
      length,
      ": is this a safetensors file?");
  TORCH_CHECK_VALUE(
      length <= bytes.size(),
      who,
      ": its header has ",
      length,
      " bytes, and the file has ",
      bytes.size(),
      " of them: is it cut?");
  return bytes.substr(0, length);
}

// Other values would be a bool that is neither true nor false.
void check_safetensors_bools(
    const std::string& who, const std::string& name, std::string_view bytes) {
  unsigned char bits = 0;
  for (const char byte : bytes) { // which the compiler does for many at once
    bits |= static_cast<unsigned char>(byte);
  }
  TORCH_CHECK_VALUE(
      bits <= 1,
      who,
      ": ",
      detail::shown_tensor(name),
      ": expected 0 and 1 in a BOOL, but byte ",
      bytes.find_first_not_of(std::string_view("\0\1", 2)),
      " is another.");
}

} // namespace

SafetensorsFile::SafetensorsFile(const std::string& path)
    : who_("SafetensorsFile: '" + path + "'"),
      file_(std::make_shared<detail::MappedFile>(who_, path)) {
  const std::string_view text = header_of_safetensors(who_, file_->bytes());
  data_begin_ = sizeof(SafetensorsLength) + text.size();
  header_ = std::make_shared<detail::SafetensorsHeader>(
      detail::parse_safetensors_header(
          who_, text, file_->size() - data_begin_));
}

const std::vector<std::string>& SafetensorsFile::names() const {
  return header_->names;
}

bool SafetensorsFile::contains(const std::string& name) const {
  return header_->entries.contains(name);
}

const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return header_->metadata;
}

at::ScalarType SafetensorsFile::dtype(const std::string& name) const {
  return entry(name).dtype;
}

at::IntArrayRef SafetensorsFile::sizes(const std::string& name) const {
  return entry(name).sizes;
}

at::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const auto& [dtype, sizes, begin, end] = entry(name);
  const auto options = at::TensorOptions(at::kCPU).dtype(dtype);
  const size_t size = end - begin;
  if (size == 0) {
    return at::empty(sizes, options);
  }
  char* const data = file_->data() + data_begin_ + begin;
  if (dtype == at::kBool) {
    check_safetensors_bools(who_, name, {data, size});
  }
  if (reinterpret_cast<uintptr_t>(data) % c10::elementSize(dtype) != 0) {
    const at::Tensor copy = at::empty(sizes, options);
    std::memcpy(copy.mutable_data_ptr(), data, size);
    return copy;
  }
  return at::from_blob(data, sizes, [file = file_](void*) {}, options);
}

const detail::SafetensorsEntry& SafetensorsFile::entry(
    const std::string& name) const {
  const auto found = header_->entries.find(name);
  if (found == header_->entries.end()) {
    constexpr size_t kMost = 20;
    const auto& all = header_->names;
    const std::vector<std::string> first(
        all.begin(),
        all.begin() + static_cast<int64_t>(std::min(all.size(), kMost)));
    TORCH_CHECK_VALUE(
        false,
        who_,
        ": there is no ",
        detail::shown_tensor(name),
        "; there are ",
        polytask::detail::quoted(first),
        all.size() > kMost ? c10::str(" and ", all.size() - kMost, " more")
                           : "",
        ".");
  }
  return found->second;
}

void write_safetensors(
    const std::string& path,
    const torch::OrderedDict<std::string, at::Tensor>& tensors,
    const std::map<std::string, std::string>& metadata) {
  const detail::SafetensorsWriter writer(
      "write_safetensors: '" + path + "'", tensors, metadata);
  polytask::detail::NewFile file("write_safetensors", path);
  writer.write_to(
      [&](const void* data, size_t size) { file.write(data, size); });
  file.put_in_place();
}

} // namespace polytask::io
