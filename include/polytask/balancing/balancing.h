// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <polytask/balancing/option_value.h>
#include <polytask/balancing/random.h>
#include <polytask/core/api.h>
#include <polytask/core/archives.h>

namespace polytask::balancing {

/// What a method reads of the tasks in each step.
enum class Reads {
  /// [T] losses: LossBalancing.
  kLosses,
  /// [T, T] inner products of the gradients: GramianBalancing.
  kGramian,
  /// [T, N] gradients: JacobianBalancing.
  kJacobian,
  /// Losses and gradients on several batches, at parameters that it moves:
  /// BilevelBalancing.
  kBilevel,
};

/// What a call hands over beside its main input, by name: losses, or random
/// numbers that were drawn elsewhere.
using Extras = std::map<std::string, at::Tensor>;
/// Everything that a method needs to go on where it was, by name.
using State = std::map<std::string, at::Tensor>;

/// A way of weighing tasks against each other. It never sees a model: it turns
/// losses, a Gramian or a Jacobian into one update, and is usable alone.
///
/// A method that needs something special says so when it is asked; strategies
/// do what it says and never compare names.
class POLYTASK_API Balancing {
 public:
  virtual ~Balancing() = default;
  /// With a state of its own.
  virtual std::unique_ptr<Balancing> clone() const = 0;

  /// By which `make` knows it.
  virtual std::string name() const = 0;
  virtual Reads reads() const = 0;
  /// All its options as they hold, those that were not given too:
  /// `make(name(), options())` makes it anew. Options of a method inside of it
  /// have names as "method.c"; what is absent is left out.
  virtual OptionValues options() const {
    return {};
  }
  /// As `CAGrad(c=0.4, …)`; the options are those of `options()`.
  virtual void pretty_print(std::ostream& stream) const;

  /// Sets up what a method keeps for so many tasks, on first use; later only
  /// checks. Throws if it was set up for another number.
  void prepare(int64_t tasks);
  /// The number of tasks that it was set up for; 0 before.
  int64_t tasks() const {
    return tasks_;
  }
  /// Forgets the tasks and all that was learned of them.
  void reset();

  /// Calls `action` with this method as one of some of its tasks only, by
  /// place, ascending: those that take part in a step. What it keeps of the
  /// others stays as it was.
  void with_tasks(
      const std::vector<int64_t>& present, const std::function<void()>& action);

  /// Detached copies; "tasks" holds their number.
  State state() const;
  /// Throws, and changes nothing, on a state of another method or of another
  /// number of tasks.
  void load_state(const State& state);
  /// The same to and from an archive, under the method's name: `torch::save`
  /// and `torch::load` do so too. Loading throws as `load_state` does, and on
  /// an archive that is no method's or another's.
  void save(torch::serialize::OutputArchive& archive) const;
  void load(torch::serialize::InputArchive& archive);
  /// Moves what is kept in the parameters' size; what is kept for each task is
  /// always on the CPU.
  void to(const at::Device& device);

  /// Whether it learns anything from one step that the next depends on, beside
  /// its `parameters` and random numbers.
  bool keeps_state() const;

  /// Starts its random numbers anew.
  void seed(uint64_t seed);

  /// Parameters to be trained with the model's, by gradients of `scalarize`.
  /// There are none before `prepare`.
  virtual std::vector<at::Tensor> parameters() const {
    return {};
  }
  /// A Gramian or Jacobian method that also reads the losses, as "losses".
  virtual bool wants_losses() const {
    return false;
  }
  /// Whether `observe_after` is to be called with the losses of the same batch
  /// after the update: one more forward.
  virtual bool wants_losses_after() const {
    return false;
  }
  virtual void observe_after(const at::Tensor& losses);
  /// Whether the next step needs new gradients; if not, a Gramian method's last
  /// weights hold, at the cost of one backward.
  virtual bool wants_gradients() const {
    return true;
  }
  /// Whether its rows are gradients for a representation [B, ...], which no
  /// training hands over.
  virtual bool wants_representation() const {
    return false;
  }
  /// How many independent batches a step needs: 1, or 3 where a method
  /// estimates without bias what is not linear in the batch.
  virtual int64_t batches() const {
    return 1;
  }
  /// The sizes of the shared parameters, in the order of the Jacobian's
  /// columns, before a step: for methods that keep something for each.
  virtual void expect_blocks(const std::vector<int64_t>& /*sizes*/) {}
  /// For methods that count epochs.
  virtual void end_epoch() {}
  /// Whether it learns from epoch to epoch, so that `end_epoch` has to be
  /// called.
  virtual bool counts_epochs() const {
    return false;
  }

 protected:
  Balancing() = default;
  Balancing(const Balancing& other);
  Balancing(Balancing&&) = default;
  Balancing& operator=(const Balancing& other);
  Balancing& operator=(Balancing&&) = default;

  /// A tensor of the state, undefined until the method sets it. Ask for it in
  /// the constructor, so that a state knows its names.
  at::Tensor& buffer(const std::string& name) {
    return buffers_[name];
  }
  const at::Tensor& buffer(const std::string& name) const {
    return buffers_.at(name);
  }
  /// The tasks that take part, by place among all; empty where all do.
  const std::vector<int64_t>& present() const {
    return present_;
  }
  /// Of numbers that were given for each task, those of the tasks that take
  /// part; none of none.
  std::vector<double> of_present(const std::vector<double>& numbers) const;
  /// Whether a buffer [T, T] is one number for each pair of tasks; other
  /// buffers whose first size is T are a row for each task.
  virtual bool is_by_pair(const std::string& /*name*/) const {
    return false;
  }
  /// With what a buffer starts that the method sets in its first step, for
  /// tasks that did not take part in that; without it, the next step is the
  /// first again.
  virtual std::optional<double> late_start(const std::string& /*name*/) const {
    return std::nullopt;
  }
  /// Sets the buffers at their start; `tasks()` is set.
  virtual void start() {}
  /// Looks at what was given for each task; called once the number is known.
  virtual void check_tasks(int64_t /*tasks*/) const {}
  /// Whether its state holds random numbers.
  virtual bool is_random() const {
    return false;
  }
  Random& random() {
    return random_;
  }
  /// The methods that a wrapper holds. They are prepared, reset, seeded, moved
  /// and saved with it; in its state, the first one's "phi" is "0/phi".
  virtual std::vector<Balancing*> parts() const {
    return {};
  }
  /// Called with a state's number of parts, for wrappers that make them late.
  virtual void make_parts(int64_t /*count*/) {}

 private:
  void load_own(const State& state);
  void check_start(const State& state, int64_t tasks) const;
  void select_buffers(const at::Tensor& present);
  void restore_buffers(
      const std::map<std::string, at::Tensor>& whole,
      const at::Tensor& present);

  int64_t tasks_ = 0;
  std::vector<int64_t> present_; // within `with_tasks`
  std::map<std::string, at::Tensor> buffers_;
  Random random_;
};

POLYTASK_API std::ostream& operator<<(
    std::ostream& stream, const Balancing& method);
POLYTASK_API torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const Balancing& method);
POLYTASK_API torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, Balancing& method);

/// Gives a method its `clone`.
template <typename Derived, typename Base>
class Cloneable : public Base {
 public:
  using Base::Base;
  std::unique_ptr<Balancing> clone() const override {
    return std::make_unique<Derived>(static_cast<const Derived&>(*this));
  }
};

} // namespace polytask::balancing
