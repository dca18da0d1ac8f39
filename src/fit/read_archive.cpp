// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/read_archive.h"

#include <ATen/core/ivalue.h>
#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>

#include <algorithm>
#include <vector>

#include "core/crc32c.h"

namespace polytask::fit::detail {

void read_archive(
    std::string_view bytes, torch::serialize::InputArchive& archive) {
  try {
    archive.load_from(bytes.data(), bytes.size());
  } catch (const c10::Error&) {
    archive.load_from(bytes.data(), bytes.size(), at::kCPU);
  }
}

std::optional<uint32_t> file_checksum(std::ifstream& file, uint64_t length) {
  file.seekg(0);
  std::vector<char> piece(1 << 20);
  uint32_t checksum = 0;
  for (uint64_t left = length; left > 0;) {
    const auto count = std::min<uint64_t>(left, piece.size());
    file.read(piece.data(), static_cast<std::streamsize>(count));
    if (!file) {
      return std::nullopt;
    }
    checksum = polytask::detail::crc32c(checksum, piece.data(), count);
    left -= count;
  }
  return checksum;
}

} // namespace polytask::fit::detail
