// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/io/exported_program.h>
#include <polytask/io/inference.h>
#include <polytask/io/optimizer_state.h>
#include <polytask/io/python_file.h>
#include <polytask/io/safetensors.h>
#include <polytask/io/script_module.h>
#include <polytask/io/weights.h>
