// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/fuzz/memory_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "tests/fuzz/targets.h"

namespace polytask::fuzz {

namespace {

template <typename T>
void append(std::string& to, T number) { // little-endian
  for (size_t i = 0; i < sizeof(T); ++i) {
    to += static_cast<char>((number >> (8 * i)) & 0xff);
  }
}

// What a record's header and its entry in the directory share.
void append_facts(
    std::string& to, const std::string& name, std::string_view bytes) {
  append<uint16_t>(to, 20); // version
  append<uint32_t>(to, 0);  // flags, method
  append<uint64_t>(to, 0);  // time, checksum
  append(to, static_cast<uint32_t>(bytes.size()));
  append(to, static_cast<uint32_t>(bytes.size()));
  append(to, static_cast<uint16_t>(name.size()));
  append<uint16_t>(to, 0); // extra
}

} // namespace

std::string file_with(std::string_view bytes) {
  static const int file = ::memfd_create("fuzz", 0);
  const auto size = static_cast<off_t>(bytes.size());
  expect(
      ::ftruncate(file, size) == 0 &&
          ::pwrite(file, bytes.data(), bytes.size(), 0) == size,
      "a file in memory can be written");
  return "/proc/self/fd/" + std::to_string(file);
}

std::string zip_of(
    const std::vector<std::pair<std::string, std::string_view>>& records) {
  std::string zip;
  std::string directory;
  for (const auto& [name, bytes] : records) {
    const auto begin = static_cast<uint32_t>(zip.size());
    zip += "PK\x03\x04";
    append_facts(zip, name, bytes);
    zip += name;
    zip += bytes;
    directory += "PK\x01\x02";
    append<uint16_t>(directory, 20);
    append_facts(directory, name, bytes);
    append<uint16_t>(directory, 0); // comment
    append<uint64_t>(directory, 0); // disk, attributes
    append(directory, begin);
    directory += name;
  }
  const auto begin = static_cast<uint32_t>(zip.size());
  zip += directory;
  zip += "PK\x05\x06";
  append<uint32_t>(zip, 0); // disks
  append(zip, static_cast<uint16_t>(records.size()));
  append(zip, static_cast<uint16_t>(records.size()));
  append(zip, static_cast<uint32_t>(directory.size()));
  append(zip, begin);
  append<uint16_t>(zip, 0); // comment
  return zip;
}

} // namespace polytask::fuzz
