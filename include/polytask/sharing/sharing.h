// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/ArrayRef.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>

namespace polytask {

/// How much of something each task takes: of experts, of other tasks' features.
struct MixingWeights {
  /// Where in the sharing, such as "levels.0".
  std::string name;
  std::vector<std::string> rows;    // who takes
  std::vector<std::string> columns; // of what
  /// [rows, columns], detached, means over the batch; NaN where a row cannot
  /// take of a column.
  torch::Tensor values;
};

/// How tasks share a network: from the input to the features of each task.
/// Tasks are counted from 0 in the model's order. A sharing must override
/// `clone` to copy deeply what it was given from outside, and what it made for
/// its tasks.
///
/// A sharing of one tensor overrides `features` and `features_of`; one that
/// takes several named tensors, or hands several to the heads, overrides
/// `features_for_all` and `features_for`. `MultiTaskModel::features` calls the
/// latter and checks what they give.
class POLYTASK_API Sharing : public torch::nn::Module {
 public:
  using torch::nn::Module::Module;
  /// Not to be assigned to: a model's `replace_sharing` puts another in place.
  Sharing& operator=(const Sharing& other) = delete;

  /// The features of all `tasks` tasks for an input that they share. Tasks may
  /// get the same tensor; what they share is computed once.
  virtual std::vector<torch::Tensor> features(
      const torch::Tensor& input, int64_t tasks);

  /// The features of one task, computing no other task's.
  virtual torch::Tensor features_of(const torch::Tensor& input, int64_t task);

  /// The same from any inputs. As it is: that of the one tensor there is;
  /// throws, and lists the names, where there are several.
  virtual std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks);
  virtual Inputs features_for(const Inputs& inputs, int64_t task);
  /// The same of some tasks, in their order. As it is: what is computed is that
  /// of all; overridden where tasks that take no part in a step can be left
  /// out.
  virtual std::vector<Inputs> features_for_some(
      const Inputs& inputs, const std::vector<int64_t>& tasks);

  /// The names of the tasks that it serves, in the model's order.
  const std::vector<std::string>& tasks() const {
    return tasks_;
  }
  /// Called by a model before it is used and when a task is added: makes what
  /// the new ones need. Throws, and changes nothing, if these do not begin with
  /// the tasks that it serves already.
  void serve(const std::vector<std::string>& tasks);

  /// Parameters of this sharing that are one task's own as those of its head
  /// are: methods that read gradients leave them out, and they get this task's
  /// gradient as its head does. All others count as shared, also where one task
  /// alone uses them.
  virtual std::vector<torch::Tensor> task_parameters(int64_t task) const;
  /// All of its parameters that the features of a task come from.
  virtual std::vector<torch::Tensor> used_parameters(int64_t task) const;

  /// A loss of its own, such as the balance of a load, of the forward before in
  /// training mode; a training adds it to those of the tasks, whatever weighs
  /// them. Undefined where there is none. `tasks`: those that take part in the
  /// step; no parameter that they do not use may get a gradient.
  virtual torch::Tensor own_loss(c10::ArrayRef<int64_t> tasks);

  /// Before each step of a training, however many forwards it takes: the time
  /// to draw, for all of them alike. Whoever writes the loop calls it, and the
  /// other at the end of an epoch. What a sharing has to remember of them
  /// stands in its buffers, which are saved and loaded, and which a step that
  /// throws puts back.
  virtual void begin_step() {}
  virtual void end_epoch() {}
  /// Whether what it draws in `begin_step` decides what a forward does.
  virtual bool draws() const {
    return false;
  }

  /// How it mixed; empty where it mixes nothing. Where its inputs decide that,
  /// means over the rows of the last forward in training mode, which forwards
  /// in eval mode leave as they are; NaN before the first.
  virtual std::vector<MixingWeights> mixing_weights() const;

 protected:
  /// Makes what a further task needs; `tasks()` has those before it.
  virtual void add_task(const std::string& name);
  /// For `clone`: what was made for these tasks stands in the copy already.
  void serve_as(const Sharing& original) {
    tasks_ = original.tasks_;
  }
  /// For a sharing around another one: one of its tasks, at this place.
  static void serve_next(
      Sharing& inner, size_t place, const std::string& name) {
    inner.serve_at(place, name);
  }
  /// For a sharing around another one: a deep copy of that, which serves the
  /// same tasks. Throws if its clone is no sharing.
  static std::shared_ptr<Sharing> clone_of(
      const Sharing& inner, const std::optional<torch::Device>& device);

 private:
  friend class MultiTaskModelImpl;

  /// One of them, whose place among all is known.
  void serve_at(size_t place, const std::string& name);
  const torch::Tensor& only_tensor(const Inputs& inputs) const;
  [[noreturn]] void refuse_unwritten() const;

  std::vector<std::string> tasks_;
};

} // namespace polytask
