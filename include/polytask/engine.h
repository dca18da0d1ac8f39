// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/engine/backward.h>
#include <polytask/engine/engine.h>
#include <polytask/engine/learning_rates.h>
#include <polytask/engine/predictor.h>
#include <polytask/engine/route.h>
#include <polytask/engine/step_options.h>
#include <polytask/engine/task_owners.h>
