// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/sharing/experts/adatt.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/experts/dselect_k.h>
#include <polytask/sharing/experts/expert_options.h>
#include <polytask/sharing/experts/expert_sharing.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/sharing/experts/ple.h>
#include <polytask/sharing/experts/stem.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/no_sharing.h>
#include <polytask/sharing/residual.h>
#include <polytask/sharing/sharing.h>
