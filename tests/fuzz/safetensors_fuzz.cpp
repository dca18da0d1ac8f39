// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/safetensors.h>

#include <cstdint>
#include <cstring>

#include "io/safetensors_header.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/targets.h"

namespace polytask::fuzz {

namespace {

// The file's first number for the size of the data instead: most changes of a
// header change its length, too.
void read_header_alone(std::string_view bytes) {
  uint64_t size = 0;
  if (bytes.size() < sizeof(size)) {
    return;
  }
  std::memcpy(&size, bytes.data(), sizeof(size));
  try {
    const auto header = io::detail::parse_safetensors_header(
        "fuzz", bytes.substr(sizeof(size)), size);
    for (const auto& [name, entry] : header.entries) {
      expect(
          entry.begin <= entry.end && entry.end <= size,
          "tensors lie in the data");
    }
    const auto text = io::detail::safetensors_header_text("fuzz", header);
    const auto again = io::detail::parse_safetensors_header("fuzz", text, size);
    expect(
        again.names.size() == header.names.size() &&
            again.metadata == header.metadata,
        "a header is written as it was read");
  } catch (const c10::Error&) { // as most are
  }
}

} // namespace

void read_safetensors_bytes(std::string_view bytes) {
  read_header_alone(bytes);
  const io::SafetensorsFile file(file_with(bytes));
  std::string all;
  for (const auto& name : file.names()) {
    const auto tensor = file.tensor(name);
    all.append(
        static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
  }
  expect(bytes.ends_with(all), "all the data are the tensors', in their order");
}

} // namespace polytask::fuzz
