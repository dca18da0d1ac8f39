// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/held.h>

namespace polytask::balancing {

/// A method that holds a Gramian method and, where it does not say otherwise,
/// wants what that wants.
class POLYTASK_API GramianWrapper : public GramianBalancing {
 public:
  std::vector<at::Tensor> parameters() const override;
  bool wants_losses() const override;
  bool wants_losses_after() const override;
  void observe_after(const at::Tensor& losses) override;
  bool wants_representation() const override;
  int64_t batches() const override;
  void end_epoch() override;
  bool counts_epochs() const override;
  math::Matrix gramian_of(
      const at::Tensor& jacobian, const Extras& extras) const override;
  at::Tensor combined_rows(
      const at::Tensor& jacobian, const Extras& extras) const override;
  bool is_symmetric() const override;

 protected:
  /// Throws, naming `who`, unless it is a Gramian method.
  GramianWrapper(std::unique_ptr<Balancing> inner, const std::string& who);
  GramianBalancing& inner() const;
  std::vector<Balancing*> parts() const override;

 private:
  Held inner_;
};

} // namespace polytask::balancing
