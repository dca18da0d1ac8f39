// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <polytask/core/api.h>

namespace polytask::detail {

/// Whether LibTorch reads a name as a word of its language, such as `in`: it
/// writes a module of that name but cannot read it back.
POLYTASK_API bool is_torchscript_word(const std::string& name);

/// A task's name as a key that LibTorch can read back: itself if it is an
/// identifier that does not begin with `_` and no word of TorchScript. Else
/// `_`, then its letters and digits, and each other byte as `_` and two
/// hexadecimal digits: `_class`, `_a_20b`. No two names have one key.
POLYTASK_API std::string archive_key(const std::string& name);

} // namespace polytask::detail
