// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/math/conflict_averse.h>
#include <polytask/math/dual_cone.h>
#include <polytask/math/halfspace_projection.h>
#include <polytask/math/linear_solve.h>
#include <polytask/math/matrix.h>
#include <polytask/math/min_norm_point.h>
#include <polytask/math/normalized_gramian.h>
#include <polytask/math/power_equation.h>
#include <polytask/math/simplex_projection.h>
#include <polytask/math/symmetric_eigen.h>
