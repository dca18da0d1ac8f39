// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/ordered_dict.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <polytask/core/api.h>

namespace polytask::io::detail {
class MappedFile;
struct SafetensorsEntry;
struct SafetensorsHeader;
} // namespace polytask::io::detail

namespace polytask::io {

/// A file of named tensors in the format safetensors (Hugging Face,
/// https://github.com/huggingface/safetensors, "Format"), whose header is read
/// and checked at once, and whose data are mapped into memory: what is not used
/// is not read. Nothing in such a file is ever run, and opening one takes
/// memory in proportion to its header.
///
/// The dtypes are F64, F32, F16, BF16, C64, I64, I32, I16, I8, U64, U32, U16,
/// U8, BOOL, F8_E4M3, F8_E5M2, F8_E4M3FNUZ, F8_E5M2FNUZ and F8_E8M0; the
/// format's F4 and F6, whose elements are parts of bytes, are refused.
///
/// As long as it is mapped, nobody may shorten the file, or write into it; to
/// put another in its place, as `write_safetensors` does, is fine. Copies share
/// the mapping, and functions may be called from many threads.
///
/// ```cpp
/// polytask::io::SafetensorsFile file("model.safetensors");
/// for (const auto& name : file.names()) {
///   std::cout << name << ' ' << file.sizes(name) << '\n';
/// }
/// ```
class POLYTASK_API SafetensorsFile {
 public:
  /// Throws `c10::ValueError`, with the path and, where there is one, the
  /// tensor, if the file cannot be read or is no such file: the header is cut,
  /// longer than 100,000,000 bytes or no JSON object that begins at once; a
  /// tensor lacks its dtype, shape or data_offsets, or has one of them twice,
  /// an unknown dtype, numbers that are negative, fractions or beyond 2^63 - 1,
  /// or more bytes than these can count; its offsets do not span what its
  /// shape takes; two have one name; the data have holes, overlap, are cut or
  /// longer than all the tensors; metadata are no texts, or two have one key.
  /// Other fields of a tensor are passed over.
  explicit SafetensorsFile(const std::string& path);

  /// In the order of their data.
  const std::vector<std::string>& names() const;
  bool contains(const std::string& name) const;
  /// What the file says beside, "format" for one; empty where it says nothing.
  const std::map<std::string, std::string>& metadata() const;

  /// The next three throw `c10::ValueError` if there is no such tensor.
  at::ScalarType dtype(const std::string& name) const;
  /// Lives as long as this or a copy.
  at::IntArrayRef sizes(const std::string& name) const;
  /// On the host, contiguous: a view of the mapping, which lives as long as
  /// any of its tensors. Changes in place are seen by other tensors of that
  /// name from here, and never reach the file. Data that are misaligned for
  /// their dtype are copied instead. Also throws if a BOOL has a byte other
  /// than 0 and 1, for which it reads all of a BOOL's data.
  at::Tensor tensor(const std::string& name) const;

 private:
  const detail::SafetensorsEntry& entry(const std::string& name) const;

  std::string who_;
  std::shared_ptr<const detail::MappedFile> file_;
  std::shared_ptr<const detail::SafetensorsHeader> header_;
  // Where in the file the data begin.
  size_t data_begin_ = 0;
};

/// Writes tensors of any device, strides and size, 0-d and empty ones among
/// them, to a file beside, syncs it and renames it: a failure leaves the old
/// file, if there was one. Of a tensor on a device, one that is not contiguous,
/// or whose conjugation or negation is pending, it makes a copy on the host,
/// one tensor at a time; values that are shared are written for each name.
///
/// Tensors of larger elements come first, and otherwise in the given order, so
/// that all data are aligned and `SafetensorsFile` need not copy them.
///
/// Throws `c10::ValueError`, before anything is written and with the tensor's
/// name, if one is undefined, sparse, quantized, nested, without data (as on
/// the device `meta`) or of a dtype that the format lacks; if one is named
/// "__metadata__"; if a name or the metadata are not UTF-8; if the header would
/// be longer than 100,000,000 bytes. Throws `c10::Error`, with the path, if the
/// file cannot be written.
POLYTASK_API void write_safetensors(
    const std::string& path,
    const torch::OrderedDict<std::string, at::Tensor>& tensors,
    const std::map<std::string, std::string>& metadata = {});

} // namespace polytask::io
