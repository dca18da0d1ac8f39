// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/task/linear_task.h>
#include <polytask/task/loss.h>
#include <polytask/task/loss_form.h>
#include <polytask/task/loss_function.h>
#include <polytask/task/losses/bce_with_logits.h>
#include <polytask/task/losses/callable.h>
#include <polytask/task/losses/cross_entropy.h>
#include <polytask/task/losses/elementwise.h>
#include <polytask/task/losses/gaussian_nll.h>
#include <polytask/task/losses/huber.h>
#include <polytask/task/losses/l1.h>
#include <polytask/task/losses/mse.h>
#include <polytask/task/losses/pinball.h>
#include <polytask/task/losses/poisson_nll.h>
#include <polytask/task/task.h>
