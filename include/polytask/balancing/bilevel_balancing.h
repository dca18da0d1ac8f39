// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/balancing/balancing.h>
#include <polytask/balancing/bilevel_problem.h>

namespace polytask::balancing {

/// A method that learns the tasks' weights z on a batch of its own, by how the
/// model that they train does there: z = softmax(a), and Adam moves the logits
/// a, which start at 1/T.
///
/// A step takes three batches, {inner, outer, all}: the model's losses are z ·
/// L(inner) for the method, which lowers L(outer) by z, and the update itself
/// lowers z · L(all) with the new z. The batches should be drawn independently;
/// outer ones may come from validation data.
///
/// State: "logits" [T], and of Adam "mean" [T], "square" [T] and "step".
class POLYTASK_API BilevelBalancing : public Balancing {
 public:
  /// What the model's update follows.
  struct Update {
    /// z [T], on the simplex.
    math::Vector weights;
    /// [N], what the optimizer takes for the gradient; undefined where that is
    /// the one of z · L(all).
    at::Tensor direction;
  };

  Reads reads() const final {
    return Reads::kBilevel;
  }
  int64_t batches() const override {
    return 3;
  }

  /// Moves the logits once. The problem's parameters are then where they were;
  /// if this throws, they may be elsewhere, and the state may have changed.
  Update learn(BilevelProblem& problem);

  /// z [T] as it is; empty before `prepare`.
  math::Vector weights() const;

 protected:
  /// Throws, naming `who`, unless the rate is positive and finite.
  BilevelBalancing(double outer_lr, const std::string& who);
  void start() override;
  virtual Update compute(BilevelProblem& problem) = 0;

  /// Adam's step along the logits' gradient [T].
  void move_logits(const math::Vector& gradient);
  /// z's derivative for the logits times a vector [T]: z ∘ (x - z·x).
  math::Vector through_softmax(const math::Vector& values) const;

 private:
  double outer_lr_;
};

} // namespace polytask::balancing
