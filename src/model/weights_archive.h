// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/serialize/output-archive.h>

#include <map>
#include <string>

#include <polytask/core/api.h>
#include <polytask/model/multi_task_model.h>

namespace polytask::detail {

/// What a model's archive says of its tasks beside the tensors.
POLYTASK_API void write_task_state(
    const MultiTaskModelImpl& model, torch::serialize::OutputArchive& archive);

/// A model's tensors, by all their names, where its archive has them.
POLYTASK_API void write_weights(
    const std::map<std::string, at::Tensor>& weights,
    torch::serialize::OutputArchive& archive);

/// Whether these two write all that the model's own `save` does: no where one
/// of its modules saves something else. Takes twice the memory of the model's
/// state meanwhile.
POLYTASK_API bool saves_weights_alone(
    const MultiTaskModelImpl& model,
    const std::map<std::string, at::Tensor>& weights);

} // namespace polytask::detail
