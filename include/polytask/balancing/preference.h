// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/described.h>
#include <polytask/balancing/gramian_wrapper.h>

namespace polytask::balancing {

/// A Gramian method that sees p_k times the gradient of task k, as if the
/// losses were multiplied by the preferences p [T]: with D = diag(p), the
/// weights are D w(D G D).
///
/// Methods that are indifferent to the rows' lengths, such as IMTL-G and
/// Nash-MTL, keep their direction; some have a preference of their own.
class POLYTASK_API Preference : public Described<Preference, GramianWrapper> {
 public:
  /// Throws unless it is a Gramian method and the preferences are positive.
  Preference(
      std::unique_ptr<Balancing> method, std::vector<double> preferences);
  static const detail::Description& description();
  bool wants_gradients() const override {
    return inner().wants_gradients();
  }

 protected:
  void check_tasks(int64_t tasks) const override;
  math::Vector compute(
      const math::Matrix& gramian, const Extras& extras) override;
  math::Vector repeated() override;

 private:
  math::Vector scaled(math::Vector weights) const;

  std::vector<double> preferences_;
};

} // namespace polytask::balancing
