// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/model/multi_task_model.h>

namespace polytask::testing {

/// A model's clone, as a model.
inline MultiTaskModel twin_of(const MultiTaskModel& model) {
  return clone(model);
}

} // namespace polytask::testing
