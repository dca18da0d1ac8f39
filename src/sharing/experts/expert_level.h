// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <polytask/core/inputs.h>
#include <polytask/sharing/experts/expert_options.h>
#include <polytask/sharing/sharing.h>

#include "sharing/experts/gate.h"

namespace polytask::detail {

/// What tells the ways to mix experts from each other.
struct ExpertForm {
  std::string name; // of the sharing, for messages
  /// Makes a gate over so many experts; null for a softmax as the level's
  /// options have it.
  std::function<std::shared_ptr<Gate>(int64_t experts)> gate = nullptr;
  /// A task's gate mixes the experts of all tasks, else its own and the shared.
  bool mixes_all = false;
  /// The order in which it does the latter.
  bool shared_first = false;
  /// There is a gate over all experts for the state that the shared experts of
  /// the next level read.
  bool has_shared_gate = false;
  /// The shared experts read each task's own state, for its gate alone.
  bool shared_read_tasks = false;
  /// Each mixture gets its own experts besides, by weights that are learned or,
  /// where everyone has one expert, by 1.
  bool adds_own = false;
  /// A task sends no gradient to the experts of others.
  bool stops_others = false;
  /// A task's gate reads the sum of its state and the shared one.
  bool adds_shared_state = false;
  /// Keep the gates' shares with their graph, for `balance`.
  bool balances = false;
};

/// Throws where an expert does not give features [B, ...].
inline void check_expert_output(
    const std::string& who, const torch::Tensor& output) {
  TORCH_CHECK_VALUE(
      output.dim() >= 2,
      who,
      ": expected experts to give features [B, ...], but got ",
      output.sizes(),
      ".");
}

/// Experts, and gates that mix what they make of the states below into the
/// states above: one state for each task, and a shared one.
///
/// Takers are counted as the tasks are; the shared state is one more, the last.
class ExpertLevel : public torch::nn::Module {
 public:
  ExpertLevel(ExpertLevelOptions options, ExpertForm form);

  // As the engine sees it, too.
  struct Taker {
    std::vector<Network> experts;
    std::shared_ptr<Gate> gate; // null where it has none
    torch::Tensor own_weights;  // of `adds_own`, where they are learned
    /// In the forward before in training mode: [B, experts that it mixes].
    torch::Tensor shares;
  };

  /// What a further task needs. Throws where an expert cannot be made.
  Taker make_task(const std::string& name) const;
  /// Takes it in.
  void add_task(const std::string& name, Taker own);
  /// What a taker's experts are called by `FreshModules`; those of no task are
  /// shared.
  static std::string called(
      size_t expert, size_t level, const std::optional<std::string>& task);

  using Wanted = std::vector<bool>; // by taker
  /// The states below that those above come from, or alone those that learn
  /// from them.
  Wanted sources(const Wanted& wanted, bool alone_learning = false) const;
  /// The states above that are wanted; the others are undefined.
  std::vector<Inputs> forward(
      const std::vector<Inputs>& states, const Wanted& wanted);

  /// Those that a wanted state comes from, in this level.
  std::vector<torch::Tensor> used_parameters(const Wanted& wanted) const;
  /// Those that belong to no task.
  std::vector<torch::Tensor> shared_parameters() const;

  /// Shares of the forward before in training mode: a row for each gate, NaN
  /// for experts that it does not mix or that were not computed.
  MixingWeights mixing_weights(
      const std::string& name, const std::vector<std::string>& tasks) const;
  /// What the gates of these tasks add to the loss; gives it once.
  torch::Tensor take_loss(c10::ArrayRef<int64_t> tasks);
  /// The square of the coefficient of variation of the load of the experts, as
  /// these gates shared it out; gives it once.
  torch::Tensor take_imbalance(c10::ArrayRef<int64_t> tasks);

  std::shared_ptr<ExpertLevel> copy(
      const std::optional<torch::Device>& device) const;

  /// One expert: whose it is, and which of theirs.
  struct Place {
    size_t taker;
    size_t expert;
  };
  /// What a taker mixes, in the order of its gate.
  std::vector<Place> mixed_by(size_t taker) const;
  /// Of the forward before, in training mode: all shares, and those of a taker,
  /// with their graph where there is one.
  void forget_shares();
  void note_shares(size_t taker, const torch::Tensor& shares);
  const std::vector<Taker>& takers() const {
    return takers_;
  }
  const ExpertLevelOptions& options() const {
    return options_;
  }
  const ExpertForm& form() const {
    return form_;
  }
  int64_t tasks() const {
    return static_cast<int64_t>(takers_.size()) - 1;
  }

 private:
  std::vector<Network> make_experts(int64_t count) const;
  int64_t own_experts(const std::string& task) const;
  std::shared_ptr<Gate> make_gate(int64_t experts) const;
  bool learns_own_weights() const;
  torch::Tensor make_own_weights(int64_t count) const;
  void grow_gates(int64_t added);
  void replace_gate(Taker& taker, const std::string& key, size_t place);

  torch::Tensor gate_rows(const Inputs& state, const std::string& whose) const;
  std::string label(size_t taker) const;
  /// Whether a taker sends nothing back to an expert that it mixes.
  bool stops(size_t taker, const Place& place) const {
    const size_t shared = takers_.size() - 1;
    return form_.stops_others && taker != shared && place.taker != taker &&
        place.taker != shared;
  }
  torch::Tensor expert_output(Place place, const Inputs& state) const;
  torch::Tensor mixed(
      const torch::Tensor& shares,
      const std::vector<torch::Tensor>& outputs) const;

  ExpertLevelOptions options_;
  ExpertForm form_;
  std::shared_ptr<torch::nn::Module> shared_experts_;
  std::shared_ptr<torch::nn::Module> task_experts_;
  std::shared_ptr<torch::nn::Module> gates_;
  std::shared_ptr<torch::nn::Module> own_weights_;
  std::vector<std::string> names_;
  std::vector<Taker> takers_; // of the tasks, then the shared
  /// Of gates with a graph, where they are to be balanced; by taker.
  std::vector<torch::Tensor> with_graph_;
};

} // namespace polytask::detail
