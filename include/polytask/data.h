// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/data/arff.h>
#include <polytask/data/categories.h>
#include <polytask/data/csv.h>
#include <polytask/data/dataset.h>
#include <polytask/data/loader.h>
#include <polytask/data/loader_state.h>
#include <polytask/data/multi_loader.h>
#include <polytask/data/preparation.h>
#include <polytask/data/preparation_options.h>
#include <polytask/data/renames.h>
#include <polytask/data/split.h>
#include <polytask/data/standardizer.h>
#include <polytask/data/table.h>
