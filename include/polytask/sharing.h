// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/sharing/aitm.h>
#include <polytask/sharing/cross_stitch.h>
#include <polytask/sharing/deep_bayesian_mtl.h>
#include <polytask/sharing/epnet.h>
#include <polytask/sharing/experts/adatt.h>
#include <polytask/sharing/experts/cgc.h>
#include <polytask/sharing/experts/dselect_k.h>
#include <polytask/sharing/experts/expert_options.h>
#include <polytask/sharing/experts/expert_sharing.h>
#include <polytask/sharing/experts/mmoe.h>
#include <polytask/sharing/experts/ple.h>
#include <polytask/sharing/experts/stem.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/inputs_sharing.h>
#include <polytask/sharing/learning_to_branch.h>
#include <polytask/sharing/mtan.h>
#include <polytask/sharing/no_sharing.h>
#include <polytask/sharing/ppnet.h>
#include <polytask/sharing/preceded.h>
#include <polytask/sharing/residual.h>
#include <polytask/sharing/sharing.h>
#include <polytask/sharing/sharing_around.h>
#include <polytask/sharing/soft_sharing.h>
#include <polytask/sharing/stage_factories.h>
#include <polytask/sharing/tabular_trunk.h>
#include <polytask/sharing/task_lora.h>
#include <polytask/sharing/task_lora_layer.h>
