// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/checkpoint_file.h"

#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <vector>

#include "core/crc32c.h"
#include "core/new_file.h"

namespace polytask::fit::detail {

namespace {

// Behind the archive: what it is, how long it is, and its checksum.
struct Footer {
  std::array<char, 12> mark = kMark;
  uint32_t checksum = 0;
  uint64_t length = 0;

  static constexpr std::array<char, 12> kMark = {
      'p', 'o', 'l', 'y', 't', 'a', 's', 'k', 'f', 'i', 't', '1'};
};
static_assert(sizeof(Footer) == 24);

// The archive alone.
uint64_t archive_length(std::ifstream& file) {
  file.seekg(0, std::ios::end);
  return static_cast<uint64_t>(file.tellg()) - sizeof(Footer);
}

} // namespace

void write_checkpoint(
    const std::string& path, torch::serialize::OutputArchive& archive) {
  polytask::detail::NewFile file("Fit", path);
  Footer footer;
  archive.save_to([&](const void* data, size_t size) {
    footer.checksum = polytask::detail::crc32c(footer.checksum, data, size);
    footer.length += size;
    file.write(data, size);
    return size;
  });
  file.write(&footer, sizeof(footer));
  file.put_in_place();
}

std::string checkpoint_fault(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return "cannot be read";
  }
  file.seekg(0, std::ios::end);
  const auto size = static_cast<uint64_t>(file.tellg());
  if (size < sizeof(Footer)) {
    return "is cut";
  }
  Footer footer;
  file.seekg(static_cast<std::streamoff>(size - sizeof(Footer)));
  file.read(reinterpret_cast<char*>(&footer), sizeof(footer));
  if (!file || footer.mark != Footer::kMark ||
      footer.length != size - sizeof(Footer)) {
    return "is cut, or no checkpoint";
  }
  file.seekg(0);
  std::vector<char> piece(1 << 20);
  uint32_t checksum = 0;
  for (uint64_t left = footer.length; left > 0;) {
    const auto count = std::min<uint64_t>(left, piece.size());
    file.read(piece.data(), static_cast<std::streamsize>(count));
    if (!file) {
      return "cannot be read";
    }
    checksum = polytask::detail::crc32c(checksum, piece.data(), count);
    left -= count;
  }
  return checksum == footer.checksum ? "" : "is damaged";
}

void read_checkpoint(
    const std::string& path, torch::serialize::InputArchive& archive) {
  // As long as the archive reads from it, which is no longer than this.
  std::ifstream file(path, std::ios::binary);
  TORCH_CHECK(file, "Fit: cannot read ", path, ".");
  const uint64_t length = archive_length(file);
  std::vector<char> bytes(length);
  file.seekg(0);
  file.read(bytes.data(), static_cast<std::streamsize>(length));
  TORCH_CHECK(file, "Fit: cannot read ", path, ".");
  try {
    archive.load_from(bytes.data(), bytes.size());
  } catch (const c10::Error&) {
    // What was on a device that is not here.
    archive.load_from(bytes.data(), bytes.size(), at::kCPU);
  }
}

} // namespace polytask::fit::detail
