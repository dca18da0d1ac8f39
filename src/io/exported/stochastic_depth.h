// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "io/exported/program.h"

namespace polytask::io::detail {

/// Stochastic depth (Huang et al., ECCV 2016) is no operator of LibTorch's:
/// torchvision and timm draw ones with the probability p, divide them by p, and
/// multiply a branch with them. In eval mode those steps get p = 1, so that all
/// branches pass. Whether there are any.
bool turn_stochastic_depth(std::vector<ProgramStep>& steps);

} // namespace polytask::io::detail
