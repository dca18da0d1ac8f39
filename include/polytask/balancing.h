// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/balancing.h>
#include <polytask/balancing/every_k_steps.h>
#include <polytask/balancing/gramian/pcgrad.h>
#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/gramian_wrapper.h>
#include <polytask/balancing/held.h>
#include <polytask/balancing/jacobian/config.h>
#include <polytask/balancing/jacobian/db_mtl.h>
#include <polytask/balancing/jacobian/excess_mtl.h>
#include <polytask/balancing/jacobian/graddrop.h>
#include <polytask/balancing/jacobian/gradvac_rows.h>
#include <polytask/balancing/jacobian/moco.h>
#include <polytask/balancing/jacobian/representation_graddrop.h>
#include <polytask/balancing/jacobian/trimmed_mean.h>
#include <polytask/balancing/jacobian_balancing.h>
#include <polytask/balancing/loss_balancing.h>
#include <polytask/balancing/losses/constant_weights.h>
#include <polytask/balancing/losses/cosmos.h>
#include <polytask/balancing/losses/dwa.h>
#include <polytask/balancing/losses/equal_weights.h>
#include <polytask/balancing/losses/famo.h>
#include <polytask/balancing/losses/geometric_mean.h>
#include <polytask/balancing/losses/imtl_l.h>
#include <polytask/balancing/losses/pbi.h>
#include <polytask/balancing/losses/random_weights.h>
#include <polytask/balancing/losses/scale_invariant.h>
#include <polytask/balancing/losses/stch.h>
#include <polytask/balancing/losses/stch_warmup.h>
#include <polytask/balancing/losses/uncertainty_weighting.h>
#include <polytask/balancing/make.h>
#include <polytask/balancing/option_value.h>
#include <polytask/balancing/per_group.h>
#include <polytask/balancing/preference.h>
#include <polytask/balancing/random.h>
