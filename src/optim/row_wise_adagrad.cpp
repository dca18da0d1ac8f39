// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/optim/row_wise_adagrad.h>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <c10/util/Exception.h>
#include <torch/optim/serialize.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/parallel_for.h"

#include "kernels/row_adagrad.h"

namespace polytask::optim {

using torch::optim::AdagradOptions;
using torch::optim::AdagradParamState;
using torch::optim::OptimizerParamGroup;

namespace {

void check_row_option(const char* name, double value) {
  TORCH_CHECK_VALUE(
      std::isfinite(value) && value >= 0,
      "RowWiseAdagrad: expected a finite ",
      name,
      " of at least 0, but got ",
      value,
      ".");
}

const AdagradOptions& adagrad_options(const OptimizerParamGroup& group) {
  return static_cast<const AdagradOptions&>(group.options());
}

void check_row_options(const AdagradOptions& options) {
  check_row_option("lr", options.lr());
  check_row_option("lr_decay", options.lr_decay());
  check_row_option("weight_decay", options.weight_decay());
  check_row_option(
      "initial_accumulator_value", options.initial_accumulator_value());
  check_row_option("eps", options.eps());
}

const RowWiseAdagradOptions& checked_row_options(
    const RowWiseAdagradOptions& options) {
  check_row_options(options);
  return options;
}

std::string row_parameter_text(
    size_t group, size_t place, const at::Tensor& parameter) {
  return c10::str(
      "RowWiseAdagrad: parameter ",
      place,
      " of group ",
      group,
      ", of shape ",
      parameter.sizes(),
      ",");
}

// A vector has the same sums either way.
bool has_row_sums(const at::Tensor& parameter, const at::Tensor& sum) {
  return parameter.dim() >= 2 && sum.dim() == 1;
}

void check_row_state(
    const std::string& whose,
    const at::Tensor& parameter,
    const at::Tensor& sum) {
  TORCH_CHECK_VALUE(
      sum.defined() &&
          (sum.sizes() == parameter.sizes() ||
           (parameter.dim() > 0 && sum.dim() == 1 &&
            sum.size(0) == parameter.size(0))),
      whose,
      " has state of another one: sums of ",
      sum.defined() ? c10::str("shape ", sum.sizes()) : "no shape",
      ".");
}

// What a step is going to do to one parameter.
struct RowUpdate {
  at::Tensor parameter;
  at::Tensor gradient; // coalesced
  const AdagradOptions* options;
  bool by_rows;
};

void check_sparse_rows(
    const std::string& whose,
    const at::Tensor& parameter,
    const at::Tensor& gradient) {
  TORCH_CHECK_VALUE(
      gradient.layout() == at::kSparse && gradient.sparse_dim() == 1,
      whose,
      " has a gradient of layout ",
      gradient.layout(),
      gradient.layout() == at::kSparse
          ? c10::str(" with ", gradient.sparse_dim(), " sparse dimensions")
          : "",
      "; expected a dense one, or a sparse one (COO) of whole rows.");
  const at::Tensor rows = gradient._indices();
  TORCH_CHECK_VALUE(
      rows.numel() == 0 || !rows.is_cpu() ||
          (rows.min().item<int64_t>() >= 0 &&
           rows.max().item<int64_t>() < parameter.size(0)),
      whose,
      " has a gradient of rows that it has not.");
}

RowUpdate checked_update(
    const std::string& whose,
    const at::Tensor& parameter,
    const AdagradOptions& options,
    const at::Tensor* sum) {
  at::Tensor gradient = parameter.grad();
  TORCH_CHECK_VALUE(!parameter.is_complex(), whose, " has complex numbers.");
  TORCH_CHECK_VALUE(
      gradient.sizes() == parameter.sizes() &&
          gradient.device() == parameter.device(),
      whose,
      " on ",
      parameter.device(),
      ", has a gradient of shape ",
      gradient.sizes(),
      " on ",
      gradient.device(),
      ".");
  const bool is_sparse = gradient.layout() != at::kStrided;
  if (is_sparse) {
    check_sparse_rows(whose, parameter, gradient);
    gradient = gradient.coalesce();
  }
  if (sum) {
    check_row_state(whose, parameter, *sum);
  }
  const bool by_rows =
      sum ? has_row_sums(parameter, *sum) : is_sparse && parameter.dim() >= 2;
  TORCH_CHECK_VALUE(
      options.weight_decay() == 0 || !(is_sparse || by_rows),
      whose,
      is_sparse ? " has a sparse gradient" : " is stepped by rows",
      ", which weight decay does not go with; put it into a group without.");
  return {parameter, std::move(gradient), &options, by_rows};
}

// Sums of rows in half precision would soon stop growing.
at::ScalarType sum_dtype(const RowUpdate& update) {
  const at::ScalarType own = update.parameter.scalar_type();
  return !update.by_rows || own == at::kDouble ? own : at::kFloat;
}

at::Tensor first_sum(const RowUpdate& update) {
  const double value = update.options->initial_accumulator_value();
  if (!update.by_rows) {
    return at::full_like(
        update.parameter,
        value,
        at::TensorOptions(),
        at::MemoryFormat::Preserve);
  }
  return at::full(
      {update.parameter.size(0)},
      value,
      update.parameter.options().dtype(sum_dtype(update)));
}

// Where the model has moved since, or the archive was of another dtype.
void bring_to_parameter(AdagradParamState& state, const RowUpdate& update) {
  const at::ScalarType dtype = sum_dtype(update);
  const at::Tensor sum = state.sum();
  if (sum.scalar_type() != dtype || sum.device() != update.parameter.device()) {
    state.sum(sum.to(update.parameter.device(), dtype));
  }
}

bool is_row_memory(const at::Tensor& tensor, at::ScalarType dtype) {
  return tensor.is_cpu() && tensor.layout() == at::kStrided &&
      tensor.is_contiguous() && tensor.scalar_type() == dtype &&
      !tensor.is_neg();
}

template <typename Scalar>
void step_rows_in_memory(
    const RowUpdate& update,
    const at::Tensor& sum,
    const at::Tensor& values,
    const at::Tensor& rows,
    double rate) {
  constexpr int64_t kElementsOfAThread = 1 << 15;
  const at::Tensor& table = update.parameter;
  const int64_t width = table.numel() / table.size(0);
  const detail::RowAdagradArrays<Scalar> arrays{
      table.mutable_data_ptr<Scalar>(),
      sum.mutable_data_ptr<Scalar>(),
      values.const_data_ptr<Scalar>(),
      rows.defined() ? rows.const_data_ptr<int64_t>() : nullptr,
      width};
  const double eps = update.options->eps();
  polytask::detail::parallel_for(
      0,
      values.size(0),
      std::max<int64_t>(1, kElementsOfAThread / width),
      [&](int64_t begin, int64_t end) {
        detail::row_adagrad(arrays, begin, end, rate, eps);
      });
  table.unsafeGetTensorImpl()->bump_version();
  sum.unsafeGetTensorImpl()->bump_version();
}

// `values`: of the gradient's `rows`; of all where these are undefined.
void step_by_rows(
    const RowUpdate& update,
    const at::Tensor& sum,
    const at::Tensor& values,
    const at::Tensor& rows,
    double rate) {
  const at::Tensor& table = update.parameter;
  const at::ScalarType dtype = table.scalar_type();
  if ((dtype == at::kFloat || dtype == at::kDouble) &&
      is_row_memory(table, dtype) && is_row_memory(values, dtype) &&
      is_row_memory(sum, dtype)) {
    if (dtype == at::kFloat) {
      step_rows_in_memory<float>(update, sum, values, rows, rate);
    } else {
      step_rows_in_memory<double>(update, sum, values, rows, rate);
    }
    return;
  }
  const at::Tensor wide = values.to(sum.scalar_type());
  const at::Tensor squares = wide.square().flatten(1).mean(1);
  at::Tensor size;
  if (rows.defined()) {
    sum.index_add_(0, rows, squares);
    size = sum.index_select(0, rows).sqrt_();
  } else {
    sum.add_(squares);
    size = sum.sqrt();
  }
  std::vector<int64_t> shape(static_cast<size_t>(table.dim()), 1);
  shape[0] = size.size(0);
  const at::Tensor change =
      (wide / size.add_(update.options->eps()).view(shape)).to(dtype);
  if (rows.defined()) {
    table.index_add_(0, rows, change, -rate);
  } else {
    table.add_(change, -rate);
  }
}

// As LibTorch's own.
void step_by_elements(
    const RowUpdate& update,
    const at::Tensor& sum,
    const at::Tensor& values,
    const at::Tensor& rows,
    double rate) {
  const double eps = update.options->eps();
  if (rows.defined()) {
    sum.index_add_(0, rows, values.square());
    const at::Tensor size = sum.index_select(0, rows).sqrt_().add_(eps);
    update.parameter.index_add_(0, rows, values / size, -rate);
    return;
  }
  const double decay = update.options->weight_decay();
  const at::Tensor slope =
      decay == 0 ? values : values.add(update.parameter, decay);
  sum.addcmul_(slope, slope);
  update.parameter.addcdiv_(slope, sum.sqrt().add_(eps), -rate);
}

void take_row_step(const RowUpdate& update, AdagradParamState& state) {
  state.step(state.step() + 1);
  if (update.parameter.numel() == 0) {
    return;
  }
  const double rate = update.options->lr() /
      (1 + static_cast<double>(state.step() - 1) * update.options->lr_decay());
  const bool is_sparse = update.gradient.is_sparse();
  const at::Tensor values =
      is_sparse ? update.gradient._values() : update.gradient;
  const at::Tensor rows = is_sparse
      ? update.gradient._indices().select(0, 0).contiguous()
      : at::Tensor();
  if (update.by_rows) {
    step_by_rows(update, state.sum(), values, rows, rate);
  } else {
    step_by_elements(update, state.sum(), values, rows, rate);
  }
}

} // namespace

RowWiseAdagrad::RowWiseAdagrad(
    const std::vector<OptimizerParamGroup>& groups,
    const RowWiseAdagradOptions& defaults)
    : Optimizer(groups, checked_row_options(defaults).clone()) {
  for (const auto& group : param_groups_) {
    check_row_options(adagrad_options(group));
  }
}

RowWiseAdagrad::RowWiseAdagrad(
    std::vector<torch::Tensor> parameters,
    const RowWiseAdagradOptions& defaults)
    : RowWiseAdagrad(
          std::vector<OptimizerParamGroup>{
              OptimizerParamGroup(std::move(parameters))},
          defaults) {}

torch::Tensor RowWiseAdagrad::step(LossClosure closure) {
  const at::NoGradGuard no_grad;
  torch::Tensor loss;
  if (closure) {
    const at::AutoGradMode with_grad(true);
    loss = closure();
  }
  std::vector<RowUpdate> updates;
  for (size_t i = 0; i < param_groups_.size(); ++i) {
    const auto& parameters = param_groups_[i].params();
    for (size_t j = 0; j < parameters.size(); ++j) {
      if (!parameters[j].grad().defined()) {
        continue;
      }
      const auto found = state_.find(parameters[j].unsafeGetTensorImpl());
      updates.push_back(checked_update(
          row_parameter_text(i, j, parameters[j]),
          parameters[j],
          adagrad_options(param_groups_[i]),
          found == state_.end()
              ? nullptr
              : &static_cast<const AdagradParamState&>(*found->second).sum()));
    }
  }
  for (const RowUpdate& update : updates) {
    auto& own = state_[update.parameter.unsafeGetTensorImpl()];
    if (!own) {
      auto made = std::make_unique<AdagradParamState>();
      made->sum(first_sum(update));
      own = std::move(made);
    }
    auto& state = static_cast<AdagradParamState&>(*own);
    bring_to_parameter(state, update);
    take_row_step(update, state);
  }
  return loss;
}

void RowWiseAdagrad::save(torch::serialize::OutputArchive& archive) const {
  torch::optim::serialize<AdagradParamState, AdagradOptions>(archive, *this);
}

void RowWiseAdagrad::load(torch::serialize::InputArchive& archive) {
  auto state = std::move(state_);
  state_.clear(); // loading leaves what the archive has none of
  std::vector<std::unique_ptr<torch::optim::OptimizerOptions>> options;
  for (const auto& group : param_groups_) {
    options.push_back(group.options().clone());
  }
  try {
    torch::optim::serialize<AdagradParamState, AdagradOptions>(archive, *this);
    for (size_t i = 0; i < param_groups_.size(); ++i) {
      const auto& parameters = param_groups_[i].params();
      for (size_t j = 0; j < parameters.size(); ++j) {
        const auto found = state_.find(parameters[j].unsafeGetTensorImpl());
        if (found != state_.end()) {
          check_row_state(
              row_parameter_text(i, j, parameters[j]),
              parameters[j],
              static_cast<const AdagradParamState&>(*found->second).sum());
        }
      }
    }
  } catch (...) {
    state_ = std::move(state);
    for (size_t i = 0; i < options.size(); ++i) {
      param_groups_[i].set_options(std::move(options[i]));
    }
    throw;
  }
}

} // namespace polytask::optim
