// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/callback.h>
#include <polytask/fit/checkpoint_options.h>
#include <polytask/fit/compare.h>
#include <polytask/fit/comparison.h>
#include <polytask/fit/early_stopping.h>
#include <polytask/fit/evaluate.h>
#include <polytask/fit/evaluation.h>
#include <polytask/fit/event_file.h>
#include <polytask/fit/event_writer.h>
#include <polytask/fit/fit.h>
#include <polytask/fit/fit_options.h>
#include <polytask/fit/history.h>
#include <polytask/fit/progress.h>
#include <polytask/fit/report.h>
#include <polytask/fit/report_writer.h>
#include <polytask/fit/training_data.h>
