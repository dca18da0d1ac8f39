// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/old_checkpoint_file.h"

#include <torch/serialize/input-archive.h>

#include <array>

#include "fit/read_archive.h"
#include "io/mapped_file.h"

namespace polytask::fit::detail {

namespace {

struct Footer {
  std::array<char, 12> mark{};
  uint32_t checksum = 0;
  uint64_t length = 0;
};
static_assert(sizeof(Footer) == 24);
constexpr std::array<char, 12> kMark = {
    'p', 'o', 'l', 'y', 't', 'a', 's', 'k', 'f', 'i', 't', '1'};

} // namespace

std::string old_checkpoint_fault(std::ifstream& file, uint64_t size) {
  if (size < sizeof(Footer)) {
    return "is cut";
  }
  Footer footer;
  file.seekg(static_cast<std::streamoff>(size - sizeof(Footer)));
  file.read(reinterpret_cast<char*>(&footer), sizeof(footer));
  if (!file || footer.mark != kMark || footer.length != size - sizeof(Footer)) {
    return "is cut, or no checkpoint";
  }
  const auto checksum = file_checksum(file, footer.length);
  return !checksum                   ? "cannot be read"
      : *checksum != footer.checksum ? "is damaged"
                                     : "";
}

void read_old_checkpoint(
    const std::string& path, torch::serialize::InputArchive& archive) {
  const io::detail::MappedFile file("Fit: '" + path + "'", path);
  read_archive(file.bytes().substr(0, file.size() - sizeof(Footer)), archive);
}

} // namespace polytask::fit::detail
