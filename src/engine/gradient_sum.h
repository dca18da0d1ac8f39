// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

namespace polytask::detail {

/// What autograd makes of a gradient that is there and one more: in the memory
/// of the first where that is dense and its own. Either may be sparse. Without
/// gradients.
at::Tensor gradient_sum(at::Tensor there, const at::Tensor& more);

} // namespace polytask::detail
