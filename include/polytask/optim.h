// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/optim/clipping.h>
#include <polytask/optim/fused_adam.h>
#include <polytask/optim/fused_adamw.h>
#include <polytask/optim/fused_sgd.h>
#include <polytask/optim/make_optimizer.h>
