// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <polytask/sharing/experts/expert_options.h>
#include <polytask/sharing/inputs_sharing.h>

namespace polytask {

namespace detail {
class ExpertLevel;
struct ExpertForm;
class FreshModules;
} // namespace detail

/// What `MMoE`, `CGC`, `PLE`, `AdaTT`, `STEM` and `DSelectK` have in common:
/// levels of experts, and gates that mix for each task what the experts make.
///
/// Experts and gates of a task are made when the task is added, on the device
/// and in the dtype and mode of what there is. A task that comes later makes
/// gates over the experts of all tasks wider, and what they have learned is
/// kept; a training that was made before then throws at its next step.
///
/// In a model's state: `sharing.levels.<l>.shared_experts.<e>`,
/// `task_experts.<task>.<e>`, `gates.<task>.logits`, `shared_gate.logits`.
class POLYTASK_API ExpertSharing : public InputsSharing {
 public:
  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override;
  Inputs features_for(const Inputs& inputs, int64_t task) override;
  /// Experts and gates that none of these tasks needs are left out.
  std::vector<Inputs> features_for_some(
      const Inputs& inputs, const std::vector<int64_t>& tasks) override;
  std::vector<torch::Tensor> task_parameters(int64_t task) const override;
  std::vector<torch::Tensor> used_parameters(int64_t task) const override;
  torch::Tensor own_loss(c10::ArrayRef<int64_t> tasks) override;
  /// A level each: rows are tasks (and "shared"), columns experts as
  /// "<task> <number>" or "shared <number>".
  std::vector<MixingWeights> mixing_weights() const override;
  void pretty_print(std::ostream& stream) const override;

  /// Throws where an option names a task that there is not.
  void check_names() const;

  const std::vector<std::shared_ptr<detail::ExpertLevel>>& levels() const {
    return levels_;
  }

 protected:
  /// `balance_weight`: of the imbalance of the experts' load, each level's.
  ExpertSharing(
      const std::string& name,
      const std::vector<ExpertLevelOptions>& levels,
      const std::vector<detail::ExpertForm>& forms,
      bool own_parts_are_shared,
      double balance_weight = 0);
  struct Copy {};
  /// A deep copy of the same class, whose other members are to be set.
  ExpertSharing(
      Copy copy,
      const ExpertSharing& original,
      const std::optional<torch::Device>& device);

  void add_task(const std::string& name) override;
  /// The same beside other modules that were made for the task.
  void add_task_with(const std::string& name, detail::FreshModules made);
  /// All that factories made.
  detail::FreshModules& known_modules() {
    return *known_;
  }
  /// What the first level reads: the input, everyone the same.
  virtual std::vector<Inputs> first_states(
      const Inputs& inputs, const std::vector<bool>& wanted);
  /// Parameters before the first level that these states come from.
  virtual std::vector<torch::Tensor> first_parameters(
      const std::vector<bool>& wanted) const;

 private:
  std::vector<Inputs> states_for(
      const Inputs& inputs, const std::vector<bool>& tasks);
  std::vector<std::vector<bool>> wanted_states(
      const std::vector<bool>& tasks, bool alone_learning = false) const;
  std::vector<bool> only(int64_t task) const;
  std::vector<torch::Tensor> used_by(const std::vector<bool>& tasks) const;

  std::vector<std::shared_ptr<detail::ExpertLevel>> levels_;
  bool own_parts_are_shared_;
  double balance_weight_;
  std::shared_ptr<detail::FreshModules> known_;
};

} // namespace polytask
