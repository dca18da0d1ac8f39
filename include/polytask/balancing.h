// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/balancing.h>
#include <polytask/balancing/gramian/pcgrad.h>
#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/jacobian_balancing.h>
#include <polytask/balancing/loss_balancing.h>
#include <polytask/balancing/losses/uncertainty_weighting.h>
#include <polytask/balancing/make.h>
#include <polytask/balancing/option_value.h>
#include <polytask/balancing/random.h>
