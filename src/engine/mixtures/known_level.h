// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sharing/experts/expert_level.h"

#include "graph_gate.h"
#include "mixing_jobs.h"
#include "parameter_places.h"
#include "placed_chain.h"
#include "reached.h"

namespace polytask::detail {

/// A state as a matrix [B, d].
inline torch::Tensor as_rows(const torch::Tensor& state) {
  return state.dim() == 2 ? state : state.flatten(1);
}

/// A level of experts that are known layers: products and mixtures without a
/// graph, but for gates of another kind than a softmax of known layers, or of a
/// loss of their own.
class KnownLevel {
 public:
  /// Null, with the reason, where some of it is of another kind.
  static std::unique_ptr<KnownLevel> make(
      std::shared_ptr<ExpertLevel> level,
      bool is_lowest,
      const ParameterPlaces& places,
      std::string& reason);

  /// What changes from step to step. `like`: a parameter of the model.
  Obstacle obstacle(const torch::Tensor& like) const;

  using Wanted = ExpertLevel::Wanted;
  Wanted sources(const Wanted& wanted) const {
    return level_->sources(wanted);
  }
  /// From the states below to those that are wanted; good until the next call.
  /// `is_differentiated`: a backward may follow.
  const std::vector<torch::Tensor>& forward(
      const std::vector<torch::Tensor>& states,
      const Wanted& wanted,
      bool is_differentiated);

  /// From what reaches these: writes the part of `rows` [n, N] that this
  /// forward used, and gives what reaches the states below unless `below` is
  /// null.
  void backward(
      const std::vector<Reached>& above,
      const torch::Tensor& rows,
      std::vector<Reached>* below);

  /// Whether gates have graphs.
  bool has_graphs() const;
  /// Adds the parameters that the forward used.
  void note_used(std::vector<torch::Tensor>& used) const;

 private:
  struct Expert {
    size_t taker; // whose state it reads
    PlacedChain chain;
    bool is_rectified;
    struct Mixer {
      size_t gate;
      size_t column;
    };
    std::vector<Mixer> mixers{};

    bool is_used = false;
    torch::Tensor output{}; // [B, ...]
    Reached reached{};
  };
  struct Gate {
    size_t taker;
    std::optional<PlacedChain> logits{};
    std::optional<GraphGate> graph{}; // where it has no such logits
    std::vector<size_t> experts{};    // in its order
    // Those that are added by weights of their own: which of `experts`.
    std::vector<size_t> own{};
    torch::Tensor own_weights{}; // undefined where these are 1
    int64_t own_place = -1;      // in a row; negative where not trained

    bool is_used = false;
    torch::Tensor shares{}; // [B, n]
    torch::Tensor noted{};  // those of the last forward in training mode
    torch::Tensor output{}; // [B, ...]
    Reached reached{};      // its shares

    int64_t columns() const {
      return static_cast<int64_t>(experts.size());
    }
  };

  explicit KnownLevel(std::shared_ptr<ExpertLevel> level)
      : level_(std::move(level)) {}

  bool add_gate(
      size_t taker,
      bool is_lowest,
      const ParameterPlaces& places,
      std::string& reason);
  torch::Tensor output_of(
      const Expert& expert, const std::vector<torch::Tensor>& states) const;
  torch::Tensor rows_of(
      const Gate& gate, const std::vector<torch::Tensor>& states) const;
  void use(const std::vector<torch::Tensor>& states);
  void check_experts(const Gate& gate) const;
  double own_weight(const Gate& gate, size_t column) const;
  template <typename Scalar>
  void mix_forward();
  template <typename Scalar>
  void mix_backward(const std::vector<Reached>& above);
  template <typename Scalar>
  void descend_shares(Gate& gate, const torch::Tensor& rows);
  void send(const torch::Tensor& rows, std::vector<Reached>* below);

  std::shared_ptr<ExpertLevel> level_;
  std::vector<Expert> experts_;
  std::vector<Gate> gates_;
  std::vector<torch::Tensor> outputs_; // by taker
  // Of one step.
  struct Forward {
    Expert* expert;
    Gate* gate; // where that is null
  };
  struct Backward {
    size_t taker;
    PlacedChain* chain;
    const Reached* reached;
    bool is_masked;
    torch::Tensor sent{};
  };
  std::vector<Forward> forwards_;
  std::vector<Backward> backwards_;
  torch::Tensor column_sums_;
  MixingMemory memory_;
};

} // namespace polytask::detail
