// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/model/esmm_tasks.h>
#include <polytask/model/multi_task_model.h>
