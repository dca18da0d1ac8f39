// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/torch.h>

#include <polytask/balancing.h>
#include <polytask/core.h>
#include <polytask/data.h>
#include <polytask/distributed.h>
#include <polytask/engine.h>
#include <polytask/fit.h>
#include <polytask/io.h>
#include <polytask/math.h>
#include <polytask/model.h>
#include <polytask/optim.h>
#include <polytask/sharing.h>
#include <polytask/task.h>
#include <polytask/training.h>
