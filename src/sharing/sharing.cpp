// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/sharing.h>

namespace polytask {

std::vector<torch::Tensor> Sharing::task_parameters(int64_t /*task*/) const {
  return {};
}

} // namespace polytask
