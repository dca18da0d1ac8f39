// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../step_graph.h"

namespace polytask::detail {

/// A CUDA graph, recorded on a stream of LibTorch's pool.
std::unique_ptr<StepGraph> make_cuda_step_graph(at::Device device);

} // namespace polytask::detail
