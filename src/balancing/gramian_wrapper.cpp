// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian_wrapper.h>

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>

#include <utility>

namespace polytask::balancing {

GramianWrapper::GramianWrapper(
    std::unique_ptr<Balancing> inner, const std::string& who)
    : inner_(std::move(inner)) {
  TORCH_CHECK_VALUE(
      inner_->reads() == Reads::kGramian,
      who,
      ": expected a method that reads a Gramian, but '",
      inner_->name(),
      "' does not.");
}

GramianBalancing& GramianWrapper::inner() const {
  return static_cast<GramianBalancing&>(*inner_);
}

std::vector<Balancing*> GramianWrapper::parts() const {
  return {&*inner_};
}

std::vector<at::Tensor> GramianWrapper::parameters() const {
  return inner_->parameters();
}

bool GramianWrapper::wants_losses() const {
  return inner_->wants_losses();
}

bool GramianWrapper::wants_losses_after() const {
  return inner_->wants_losses_after();
}

void GramianWrapper::observe_after(const at::Tensor& losses) {
  inner_->observe_after(losses);
}

bool GramianWrapper::wants_representation() const {
  return inner_->wants_representation();
}

int64_t GramianWrapper::batches() const {
  return inner_->batches();
}

void GramianWrapper::end_epoch() {
  inner_->end_epoch();
}

bool GramianWrapper::counts_epochs() const {
  return inner_->counts_epochs();
}

math::Matrix GramianWrapper::gramian_of(
    const at::Tensor& jacobian, const Extras& extras) const {
  return inner().gramian_of(jacobian, extras);
}

at::Tensor GramianWrapper::combined_rows(
    const at::Tensor& jacobian, const Extras& extras) const {
  return inner().combined_rows(jacobian, extras);
}

bool GramianWrapper::is_symmetric() const {
  return inner().is_symmetric();
}

} // namespace polytask::balancing
