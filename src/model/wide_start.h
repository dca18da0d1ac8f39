// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/network.h>
#include <polytask/sharing/sharing.h>

namespace polytask::detail {

/// Warns, once in a program, of a linear task behind a trunk whose weights
/// start in [-1, 1] because nobody said otherwise: behind d features its first
/// outputs have d times the variance of torch::nn::Linear's.
void warn_of_wide_start(const Sharing& sharing, const Network& head);

} // namespace polytask::detail
