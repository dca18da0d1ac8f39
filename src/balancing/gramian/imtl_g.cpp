// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/imtl_g.h>

#include "equal_projections.h"

namespace polytask::balancing {

math::Vector IMTLG::compute(
    const math::Matrix& gramian, const Extras& /*extras*/) {
  return detail::equal_projection_weights(gramian);
}

} // namespace polytask::balancing
