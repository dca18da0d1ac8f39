// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <c10/util/Exception.h>

#include <cstdint>
#include <string>

#include "core/crc32c.h"
#include "fit/checkpoint_file.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/targets.h"

namespace polytask::fuzz {

namespace {

std::string fault_of(std::string_view bytes) {
  return fit::detail::checkpoint_fault(file_with(bytes));
}

} // namespace

// Whether it is whole, which is what is asked of a file before its archive is
// read: that is the user's own.
void read_checkpoint_bytes(std::string_view bytes) {
  const std::string fault = fault_of(bytes);
  if (!bytes.empty()) {
    std::string whole(bytes);
    const uint32_t sum =
        polytask::detail::crc32c(0, bytes.data(), bytes.size());
    for (int shift = 0; shift < 32; shift += 8) {
      whole += static_cast<char>((sum >> shift) & 0xff);
    }
    expect(fault_of(whole).empty(), "a checksum of all bytes fits");
    whole[sum % whole.size()] ^= 1;
    expect(!fault_of(whole).empty(), "a changed bit is found");
  }
  TORCH_CHECK_VALUE(fault.empty(), fault);
}

} // namespace polytask::fuzz
