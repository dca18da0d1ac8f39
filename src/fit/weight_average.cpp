// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/weight_average.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>
#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <algorithm>
#include <utility>

#include "core/archive.h"
#include "fit/weights_copy.h"

namespace polytask::fit::detail {

namespace {

// A step's change is lost in half precision.
at::TensorOptions options_of_average(const at::Tensor& weight) {
  const bool is_half = weight.scalar_type() == at::kHalf ||
      weight.scalar_type() == at::kBFloat16;
  return weight.options().dtype(is_half ? at::kFloat : weight.scalar_type());
}

bool fits_average(const at::Tensor& average, const at::Tensor& weight) {
  const auto wanted = options_of_average(weight);
  return average.dtype() == wanted.dtype() &&
      average.device() == wanted.device();
}

at::Tensor begun_average(const at::Tensor& weight) {
  return weight.detach().to(
      options_of_average(weight), /*non_blocking=*/false, /*copy=*/true);
}

} // namespace

WeightAverage::WeightAverage(MultiTaskModel model, double decay)
    : model_(std::move(model)), decay_(decay) {
  follow_model();
}

// From the weights with which the training begins, not those at the time when
// the Fit was made.
void WeightAverage::on_fit_begin(Fit& /*fit*/) {
  follow_model();
  if (std::exchange(has_begun_, true)) {
    return;
  }
  for (size_t i = 0; i < weights_.size(); ++i) {
    averages_[i] = begun_average(weights_[i]);
  }
}

void WeightAverage::on_epoch_begin(Fit& /*fit*/) {
  follow_model();
}

void WeightAverage::on_step_end(Fit& /*fit*/, const StepReport& /*report*/) {
  const at::NoGradGuard no_grad;
  follow_types();
  const double weight_of_new = 1 - decay_;
  if (is_single_type_) {
    at::_foreach_lerp_(averages_, weights_, weight_of_new);
    return;
  }
  for (size_t i = 0; i < weights_.size(); ++i) {
    averages_[i].lerp_(
        weights_[i].to(averages_[i].scalar_type()), weight_of_new);
  }
}

void WeightAverage::follow_model() {
  std::vector<at::Tensor> weights;
  std::vector<at::Tensor> averages;
  for (const auto& [name, weight] : weights_of(*model_, /*buffers=*/false)) {
    if (!weight.is_floating_point()) {
      continue;
    }
    const auto old = std::find_if(
        weights_.begin(), weights_.end(), [&](const at::Tensor& other) {
          return other.is_same(weight);
        });
    const auto place = static_cast<size_t>(old - weights_.begin());
    const bool is_known =
        old != weights_.end() && averages_[place].sizes() == weight.sizes();
    // Not its data, which a load or a move to a device puts elsewhere.
    weights.push_back(weight);
    averages.push_back(is_known ? averages_[place] : begun_average(weight));
  }
  weights_ = std::move(weights);
  averages_ = std::move(averages);
  follow_types();
}

void WeightAverage::follow_types() {
  is_single_type_ = true;
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (!fits_average(averages_[i], weights_[i])) {
      averages_[i] = averages_[i].to(options_of_average(weights_[i]));
    }
    is_single_type_ = is_single_type_ &&
        averages_[i].scalar_type() == weights_[i].scalar_type();
  }
}

void WeightAverage::give() {
  const at::NoGradGuard no_grad;
  follow_model();
  for (size_t i = 0; i < weights_.size(); ++i) {
    weights_[i].copy_(averages_[i]);
  }
}

void WeightAverage::lend() {
  follow_model();
  std::vector<at::Tensor> copies;
  for (const auto& weight : weights_) {
    copies.push_back(weight.detach().clone());
  }
  lent_to_ = std::move(copies);
  try {
    give();
  } catch (...) {
    take_back();
    throw;
  }
}

void WeightAverage::take_back() {
  const at::NoGradGuard no_grad;
  const auto copies = std::exchange(lent_to_, {});
  for (size_t i = 0; i < copies.size(); ++i) {
    weights_[i].copy_(copies[i]);
  }
}

void WeightAverage::save(torch::serialize::OutputArchive& archive) const {
  archive.write("has_begun", c10::IValue(int64_t{has_begun_}));
  archive.write("count", c10::IValue(static_cast<int64_t>(averages_.size())));
  for (size_t i = 0; i < averages_.size(); ++i) {
    archive.write(std::to_string(i), averages_[i]);
  }
}

void WeightAverage::load(torch::serialize::InputArchive& archive) {
  follow_model();
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
  has_begun_ = reader.integer("has_begun") != 0;
}

} // namespace polytask::fit::detail
