// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/core/api.h>
#include <polytask/core/archives.h>
#include <polytask/core/batch.h>
#include <polytask/core/communicator.h>
#include <polytask/core/gradient_report.h>
#include <polytask/core/input_guard.h>
#include <polytask/core/inputs.h>
#include <polytask/core/labels.h>
#include <polytask/core/network.h>
#include <polytask/core/network_kind.h>
#include <polytask/core/random_state.h>
#include <polytask/core/step_report.h>
#include <polytask/core/version.h>
