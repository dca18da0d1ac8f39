// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/imtl_g.h>

#include "../describe.h"
#include "equal_projections.h"

namespace polytask::balancing {

const detail::Description& IMTLG::description() {
  using namespace detail;
  static const Description made =
      Describe<NoOptions>("imtl_g", "IMTLG")
          .made_of<IMTLG>(
              [](const IMTLG& /*method*/) { return NoOptions(); },
              [](NoOptions /*options*/) { return std::make_unique<IMTLG>(); });
  return made;
}

math::Vector IMTLG::compute(
    const math::Matrix& gramian, const Extras& /*extras*/) {
  return detail::equal_projection_weights(gramian);
}

} // namespace polytask::balancing
