// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/optim/clipping.h>
#include <polytask/optim/fused_adam.h>
#include <polytask/optim/fused_sgd.h>
#include <polytask/optim/grad_scaler.h>
#include <polytask/optim/make_optimizer.h>
#include <polytask/optim/row_wise_adagrad.h>
#include <polytask/optim/scaled_step.h>
#include <polytask/optim/scheduler.h>
#include <polytask/optim/schedulers/chained.h>
#include <polytask/optim/schedulers/cosine.h>
#include <polytask/optim/schedulers/decays.h>
#include <polytask/optim/schedulers/one_cycle.h>
#include <polytask/optim/schedulers/reduce_lr_on_plateau.h>
