// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>

// Of gloo, which LibTorch has within it but whose headers it does not bring:
// what torch/csrc/distributed/c10d/ProcessGroupGloo.hpp names.
namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout); // NOLINT: gloo's name
};

} // namespace gloo
