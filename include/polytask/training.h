// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/training/alternating_training.h>
#include <polytask/training/conflict_recorder.h>
#include <polytask/training/joint_training.h>
#include <polytask/training/mixing_recorder.h>
#include <polytask/training/samplers/by_loss.h>
#include <polytask/training/samplers/fixed_ratio.h>
#include <polytask/training/samplers/function.h>
#include <polytask/training/samplers/simple.h>
#include <polytask/training/samplers/temperature.h>
#include <polytask/training/task_sampler.h>
#include <polytask/training/training.h>
#include <polytask/training/training_state.h>
