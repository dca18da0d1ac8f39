// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/optim/clipping.h>
#include <polytask/optim/fused_adam.h>
#include <polytask/optim/fused_adamw.h>
#include <polytask/optim/fused_sgd.h>
#include <polytask/optim/make_optimizer.h>
#include <polytask/optim/scheduler.h>
#include <polytask/optim/schedulers/chained.h>
#include <polytask/optim/schedulers/cosine.h>
#include <polytask/optim/schedulers/exponential.h>
#include <polytask/optim/schedulers/multi_step.h>
#include <polytask/optim/schedulers/one_cycle.h>
#include <polytask/optim/schedulers/polynomial.h>
#include <polytask/optim/schedulers/step.h>
