// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "parallel_for.h"

#include <ATen/Parallel.h>
#include <ATen/ThreadLocalState.h>

namespace polytask::detail {

void parallel_for(
    int64_t begin,
    int64_t end,
    int64_t grain_size,
    c10::function_ref<void(int64_t, int64_t)> pass) {
  const at::ThreadLocalState state;
  at::parallel_for(begin, end, grain_size, [&](int64_t first, int64_t last) {
    const at::ThreadLocalStateGuard guard(state);
    pass(first, last);
  });
}

bool has_parallel_for() {
#ifdef INTRA_OP_PARALLEL
  return true;
#else
  return false;
#endif
}

} // namespace polytask::detail
