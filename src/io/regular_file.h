// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <fstream>
#include <string>

namespace polytask::io::detail {

/// To read its bytes. What is no file, such as a named pipe, which would wait
/// for whoever writes into it, is one that failed to open.
std::ifstream open_regular_file(const std::string& path);

} // namespace polytask::io::detail
