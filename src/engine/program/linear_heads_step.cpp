// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>

#include "core/check.h"
#include "core/host_value.h"
#include "core/parallel_for.h"

#include "../kernels/gemm.h"
#include "../kernels/has_nan.h"
#include "../kernels/rows.h"
#include "linear_heads.h"

// Losses and gradients of the heads in one step.

namespace polytask::detail {

namespace {

// Elements of the residuals from which on threads share their columns.
constexpr int64_t kParallelElements = 1 << 15;
// Up to this many outputs a step waits for memory, and rows go in blocks that
// stay in a core's cache.
constexpr int64_t kFewOutputs = 8;
constexpr int64_t kBlockBytes = 1 << 18;
// A single output needs no matrix product, and its rows can stay closer still.
constexpr int64_t kOneOutputBytes = 1 << 14;

} // namespace

template <typename Scalar>
const Scalar* LinearHeads::gather(c10::ArrayRef<HeadStep> steps) {
  if (steps.size() == 1) {
    return head(steps[0]).layer.weight->const_data_ptr<Scalar>();
  }
  auto* all = weights_.data_ptr<Scalar>();
  Scalar* to = all;
  for (const HeadStep& step : steps) {
    const auto& layer = head(step).layer;
    to = std::copy_n(
        layer.weight->const_data_ptr<Scalar>(), layer.outputs * width_, to);
  }
  return all;
}

template <typename Scalar>
void LinearHeads::narrow(
    const at::Tensor& features,
    c10::ArrayRef<HeadStep> steps,
    std::vector<double>& losses) {
  using Column = typename NarrowSquares<Scalar>::Column;
  auto& columns = [this]() -> std::vector<Column>& {
    if constexpr (std::is_same_v<Scalar, float>) {
      return float_columns_;
    } else {
      return double_columns_;
    }
  }();
  columns.clear();
  auto* weight_gradients = weight_gradients_.data_ptr<Scalar>();
  auto* bias_gradients = bias_gradients_.data_ptr<Scalar>();
  for (const HeadStep& step : steps) {
    const auto& own = head(step);
    const auto& layer = own.layer;
    const auto* weight = layer.weight->template const_data_ptr<Scalar>();
    const auto* bias = layer.has_bias()
        ? layer.bias->template const_data_ptr<Scalar>()
        : nullptr;
    const at::Tensor& target = step.labels->target();
    for (int64_t o = 0; o < layer.outputs; ++o) {
      columns.push_back(
          {weight + o * width_,
           target.const_data_ptr<Scalar>() + o * target.stride(1),
           target.stride(0),
           bias ? bias[o] : Scalar(0),
           !step.labels->is_complete(),
           2 * step.seed() / static_cast<double>(step.labels->present()),
           weight_gradients + (own.first + o) * width_,
           bias_gradients + own.first + o,
           0});
    }
  }
  narrow_squares(NarrowSquares<Scalar>{
      features.const_data_ptr<Scalar>(),
      features.size(0),
      width_,
      columns.data(),
      static_cast<int64_t>(columns.size())});
  const Column* column = columns.data();
  if (watches_) {
    // Outputs are not kept, but rows without a label are multiplied by 0.
    saw_nan_ = saw_nan_ || has_nan(column->weight_gradient, width_);
  }
  for (const HeadStep& step : steps) {
    double sum = 0;
    for (int64_t o = 0; o < head(step).layer.outputs; ++o) {
      sum += (column++)->loss;
    }
    losses[static_cast<size_t>(step.task)] =
        sum / static_cast<double>(step.labels->present());
  }
}

template <typename Scalar>
ResidualSums LinearHeads::residuals_of(
    const HeadStep& step,
    int64_t output,
    Scalar* values,
    int64_t begin,
    int64_t count) const {
  const Head& own = head(step);
  const auto* bias = own.layer.has_bias()
      ? own.layer.bias->template const_data_ptr<Scalar>()
      : nullptr;
  const at::Tensor& target = step.labels->target();
  return residuals(ResidualColumn<Scalar>{
      values,
      target.const_data_ptr<Scalar>() + output * target.stride(1) +
          begin * target.stride(0),
      target.stride(0),
      count,
      bias ? bias[output] : Scalar(0),
      static_cast<Scalar>(
          step.seed() / static_cast<double>(step.labels->present())),
      !step.labels->is_complete(),
      own.form.kind,
      static_cast<Scalar>(own.form.parameter)});
}

template <typename Scalar>
double LinearHeads::loss_of_column(
    const HeadStep& step, int64_t output, Scalar* values, int64_t rows) {
  const ResidualSums sums = residuals_of(step, output, values, 0, rows);
  bias_gradients_.data_ptr<Scalar>()[head(step).first + output] =
      static_cast<Scalar>(sums.gradient);
  return sums.loss / static_cast<double>(step.labels->present());
}

bool LinearHeads::fits_blocks(
    const at::Tensor& features, c10::ArrayRef<HeadStep> steps) const {
  const int64_t count = outputs(steps);
  const int64_t bytes =
      features.numel() * static_cast<int64_t>(features.element_size());
  return (count == 1 || (count <= kFewOutputs && bytes > 2 * kBlockBytes)) &&
      (steps.size() == 1 || steps.size() == heads_.size()) &&
      std::all_of(steps.begin(), steps.end(), [&](const HeadStep& step) {
           return is_by_hand(step);
         });
}

template <typename Scalar>
void LinearHeads::blocks(
    const at::Tensor& features,
    c10::ArrayRef<HeadStep> steps,
    std::vector<double>& losses) {
  const int64_t rows = features.size(0);
  const int64_t count = outputs(steps);
  const int64_t block = std::max<int64_t>(
      4,
      (count == 1 ? kOneOutputBytes : kBlockBytes) /
          (width_ * static_cast<int64_t>(sizeof(Scalar))));
  auto* values = reserve_residuals<Scalar>(count * block);
  const Scalar* weights = gather<Scalar>(steps);
  const int64_t first = head(steps[0]).first;
  auto* gradients = weight_gradients_.data_ptr<Scalar>() + first * width_;
  std::fill_n(gradients, count * width_, Scalar(0));
  std::array<ResidualSums, kFewOutputs> sums{};
  for (int64_t begin = 0; begin < rows; begin += block) {
    const int64_t size = std::min(block, rows - begin);
    const auto* input = features.const_data_ptr<Scalar>() + begin * width_;
    if (count == 1) {
      dot_rows(input, size, width_, weights, values);
    } else {
      gemm(
          count,
          size,
          width_,
          MatrixView<Scalar>{weights, width_},
          MatrixView<Scalar>{input, width_, true},
          values,
          size);
    }
    if (watches_) {
      saw_nan_ = saw_nan_ || has_nan(values, size);
    }
    int64_t column = 0;
    for (const HeadStep& step : steps) {
      for (int64_t o = 0; o < head(step).layer.outputs; ++o, ++column) {
        const ResidualSums part =
            residuals_of(step, o, values + column * size, begin, size);
        sums[static_cast<size_t>(column)].loss += part.loss;
        sums[static_cast<size_t>(column)].gradient += part.gradient;
      }
    }
    if (count == 1) {
      add_rows(input, size, width_, values, gradients);
    } else {
      gemm(
          count,
          width_,
          size,
          MatrixView<Scalar>{values, size},
          MatrixView<Scalar>{input, width_},
          gradients,
          width_,
          /*accumulate=*/true);
    }
  }
  auto* bias_gradients = bias_gradients_.data_ptr<Scalar>() + first;
  size_t column = 0;
  for (const HeadStep& step : steps) {
    double loss = 0;
    for (int64_t o = 0; o < head(step).layer.outputs; ++o, ++column) {
      loss += sums[column].loss;
      bias_gradients[column] = static_cast<Scalar>(sums[column].gradient);
    }
    losses[static_cast<size_t>(step.task)] =
        loss / static_cast<double>(step.labels->present());
  }
}

template <typename Scalar>
Scalar* LinearHeads::reserve_residuals(int64_t elements) {
  if (residuals_.numel() < elements) {
    residuals_ = torch::empty({elements}, torch::TensorOptions(type_));
  }
  return residuals_.data_ptr<Scalar>();
}

template <typename Scalar>
double LinearHeads::loss_by_autograd(
    const HeadStep& step, Scalar* values, int64_t rows) {
  Head& own = head(step);
  const int64_t count = own.layer.outputs;
  torch::Tensor columns =
      torch::from_blob(values, {count, rows}, torch::TensorOptions(type_));
  torch::Tensor outputs = columns.t().contiguous();
  if (own.layer.has_bias()) {
    outputs.add_(own.layer.bias->detach());
  }
  torch::AutoGradMode grad_mode(true);
  own.outputs = outputs.requires_grad_();
  try {
    own.loss_value = model_->task(step.task).loss()(outputs, *step.labels);
  } catch (const c10::Error&) {
    rethrow_with(c10::str(
        "Task '", model_->task_names()[static_cast<size_t>(step.task)], "': "));
  }
  return *host_value(own.loss_value);
}

template <typename Scalar>
void LinearHeads::slopes_by_autograd(
    const HeadStep& step, Scalar* values, int64_t rows) {
  Head& own = head(step);
  torch::Tensor columns = torch::from_blob(
      values, {own.layer.outputs, rows}, torch::TensorOptions(type_));
  if (own.loss_value.requires_grad()) {
    torch::AutoGradMode grad_mode(true);
    (own.loss_value * step.seed()).backward();
  }
  own.learns = own.outputs.grad().defined();
  if (own.learns) {
    columns.copy_(own.outputs.grad().t());
  } else {
    columns.zero_();
  }
  if (own.layer.has_bias()) {
    torch::sum_out(own.bias_gradient, columns, 1);
  }
  own.outputs.reset();
  own.loss_value.reset();
}

template <typename Scalar>
void LinearHeads::forward_as(
    const at::Tensor& features,
    c10::ArrayRef<HeadStep> steps,
    std::vector<double>& losses) {
  const int64_t rows = features.size(0);
  const int64_t count = outputs(steps);
  auto* values = reserve_residuals<Scalar>(count * rows);
  const Scalar* weights = gather<Scalar>(steps);
  gemm(
      count,
      rows,
      width_,
      MatrixView<Scalar>{weights, width_},
      MatrixView<Scalar>{features.const_data_ptr<Scalar>(), width_, true},
      values,
      rows);
  if (watches_) {
    saw_nan_ = saw_nan_ || has_nan(values, rows);
  }
  int64_t first = 0;
  for (const HeadStep& step : steps) {
    if (!is_by_hand(step)) {
      losses[static_cast<size_t>(step.task)] =
          loss_by_autograd(step, values + first * rows, rows);
    }
    first += head(step).layer.outputs;
  }
  const auto pass = [&](int64_t begin, int64_t end) {
    int64_t column = 0;
    for (int64_t s = 0; s < static_cast<int64_t>(steps.size()); ++s) {
      const HeadStep& step = steps[static_cast<size_t>(s)];
      const int64_t own = head(step).layer.outputs;
      if (s >= begin && s < end && is_by_hand(step)) {
        double loss = 0;
        for (int64_t o = 0; o < own; ++o) {
          loss += loss_of_column(step, o, values + (column + o) * rows, rows);
        }
        losses[static_cast<size_t>(step.task)] = loss;
      }
      column += own;
    }
  };
  const auto size = static_cast<int64_t>(steps.size());
  if (count * rows < kParallelElements || at::get_num_threads() == 1) {
    pass(0, size);
  } else {
    parallel_for(
        0,
        size,
        std::max<int64_t>(1, kParallelElements * size / (count * rows)),
        pass);
  }
}

void LinearHeads::forward(
    const at::Tensor& features,
    c10::ArrayRef<HeadStep> steps,
    bool needs_cotangent,
    std::vector<double>& losses) {
  prepare(features.scalar_type());
  const bool is_float = features.scalar_type() == at::kFloat;
  for (const HeadStep& step : steps) {
    head(step).learns = true;
  }
  done_ = true;
  if (!needs_cotangent && width_ <= NarrowSquares<float>::kMaxWidth &&
      are_squares(steps)) {
    is_float ? narrow<float>(features, steps, losses)
             : narrow<double>(features, steps, losses);
  } else if (!needs_cotangent && fits_blocks(features, steps)) {
    is_float ? blocks<float>(features, steps, losses)
             : blocks<double>(features, steps, losses);
  } else {
    done_ = false;
    is_float ? forward_as<float>(features, steps, losses)
             : forward_as<double>(features, steps, losses);
  }
}

template <typename Scalar>
void LinearHeads::backward_as(
    const at::Tensor& features,
    c10::ArrayRef<HeadStep> steps,
    const at::Tensor& cotangent) {
  const int64_t rows = features.size(0);
  const int64_t count = outputs(steps);
  auto* slopes = residuals_.data_ptr<Scalar>();
  int64_t first = 0;
  for (const HeadStep& step : steps) {
    if (!is_by_hand(step)) {
      slopes_by_autograd(step, slopes + first * rows, rows);
    }
    first += head(step).layer.outputs;
  }
  auto* all = weight_gradients_.data_ptr<Scalar>();
  const bool some = steps.size() > 1 && steps.size() < heads_.size();
  Scalar* to = some ? some_gradients_.data_ptr<Scalar>()
                    : all + head(steps[0]).first * width_;
  gemm(
      count,
      width_,
      rows,
      MatrixView<Scalar>{slopes, rows},
      MatrixView<Scalar>{features.const_data_ptr<Scalar>(), width_},
      to,
      width_);
  if (some) {
    const Scalar* from = to;
    for (const HeadStep& step : steps) {
      const Head& own = head(step);
      const int64_t size = own.layer.outputs * width_;
      std::copy_n(from, size, all + own.first * width_);
      from += size;
    }
  }
  if (cotangent.defined()) {
    const Scalar* weights = steps.size() == 1
        ? head(steps[0]).layer.weight->template const_data_ptr<Scalar>()
        : weights_.const_data_ptr<Scalar>();
    gemm(
        rows,
        width_,
        count,
        MatrixView<Scalar>{slopes, rows, true},
        MatrixView<Scalar>{weights, width_},
        cotangent.data_ptr<Scalar>(),
        width_);
  }
}

void LinearHeads::backward(
    const at::Tensor& features,
    c10::ArrayRef<HeadStep> steps,
    const at::Tensor& cotangent) {
  if (done_) {
    return;
  }
  if (features.scalar_type() == at::kFloat) {
    backward_as<float>(features, steps, cotangent);
  } else {
    backward_as<double>(features, steps, cotangent);
  }
}

template <typename Scalar>
void LinearHeads::cotangents_as(
    c10::ArrayRef<HeadStep> steps, const at::Tensor& cotangents) const {
  const int64_t rows = cotangents.size(1);
  const auto* slopes = residuals_.const_data_ptr<Scalar>();
  auto* to = cotangents.data_ptr<Scalar>();
  for (const HeadStep& step : steps) {
    const auto& layer = head(step).layer;
    gemm(
        rows,
        width_,
        layer.outputs,
        MatrixView<Scalar>{slopes, rows, true},
        MatrixView<Scalar>{
            layer.weight->template const_data_ptr<Scalar>(), width_},
        to,
        width_);
    slopes += layer.outputs * rows;
    to += rows * width_;
  }
}

void LinearHeads::cotangents(
    c10::ArrayRef<HeadStep> steps, const at::Tensor& cotangents) const {
  if (cotangents.scalar_type() == at::kFloat) {
    cotangents_as<float>(steps, cotangents);
  } else {
    cotangents_as<double>(steps, cotangents);
  }
}

void LinearHeads::scale(int64_t task, double factor) {
  Head& own = heads_[place(task)];
  own.weight_gradient.mul_(factor);
  if (own.bias_gradient.defined()) {
    own.bias_gradient.mul_(factor);
  }
}

} // namespace polytask::detail
