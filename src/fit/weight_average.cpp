// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/weight_average.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>
#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <map>
#include <utility>

#include "core/archive.h"
#include "fit/weights_copy.h"

namespace polytask::fit::detail {

WeightAverage::WeightAverage(MultiTaskModel model, double decay)
    : model_(std::move(model)), decay_(decay) {
  for (const auto& [name, weight] : weights_of(*model_, /*buffers=*/false)) {
    if (weight.is_floating_point()) {
      // Not its data, which a load or a move to a device puts elsewhere.
      weights_.push_back(weight);
      averages_.push_back(weight.detach().clone());
    }
  }
}

// From the weights with which the training begins, not those at the time when
// the Fit was made.
void WeightAverage::on_fit_begin(Fit& /*fit*/) {
  if (std::exchange(has_begun_, true)) {
    return;
  }
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < weights_.size(); ++i) {
    averages_[i] = weights_[i].detach().clone();
  }
}

void WeightAverage::on_step_end(Fit& /*fit*/, const StepReport& /*report*/) {
  const at::NoGradGuard no_grad;
  at::_foreach_lerp_(averages_, weights_, 1 - decay_);
}

void WeightAverage::exchange() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const at::Tensor weight = weights_[i].clone();
    weights_[i].copy_(averages_[i]);
    averages_[i].copy_(weight);
  }
}

void WeightAverage::save(torch::serialize::OutputArchive& archive) const {
  archive.write("count", c10::IValue(static_cast<int64_t>(averages_.size())));
  for (size_t i = 0; i < averages_.size(); ++i) {
    archive.write(std::to_string(i), averages_[i]);
  }
}

void WeightAverage::load(torch::serialize::InputArchive& archive) {
  const polytask::detail::ArchiveReader reader(archive, "Fit: the average");
  TORCH_CHECK_VALUE(
      reader.integer("count") == static_cast<int64_t>(averages_.size()),
      "Fit: expected the averages of ",
      averages_.size(),
      " parameters in the checkpoint, but found ",
      reader.integer("count"),
      ".");
  std::vector<at::Tensor> read;
  for (size_t i = 0; i < averages_.size(); ++i) {
    read.push_back(reader.tensor(std::to_string(i)));
    TORCH_CHECK_VALUE(
        read[i].sizes() == averages_[i].sizes(),
        "Fit: expected an average of shape ",
        averages_[i].sizes(),
        " in the checkpoint, but found ",
        read[i].sizes(),
        ".");
  }
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < averages_.size(); ++i) {
    averages_[i].copy_(read[i]);
  }
  has_begun_ = true;
}

} // namespace polytask::fit::detail
