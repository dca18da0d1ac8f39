// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace polytask::benchmarks {

/// T linear tasks on one input with squared error and plain SGD, trained
/// jointly and alternately: the hand-written LibTorch loop against the
/// strategies. The first job is the original one, (T, B, d) = (2, 100, 2).
void register_linear_tasks();

} // namespace polytask::benchmarks
