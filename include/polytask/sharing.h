// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/no_sharing.h>
#include <polytask/sharing/residual.h>
#include <polytask/sharing/sharing.h>
