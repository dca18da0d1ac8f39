// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// LibTorch's archives by name alone: their headers take seconds to compile.
// Include torch/serialize.h to write or read one.
namespace torch::serialize {
class InputArchive;
class OutputArchive;
} // namespace torch::serialize
