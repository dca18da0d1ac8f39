// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sharing/experts/expert_level.h"

#include "../layers/layer_chain.h"
#include "../program/linear_layer.h"
#include "known_mixtures.h"

namespace polytask::detail {

/// The gradients of n losses for one matrix [B, d], of those that reach it.
struct StateCotangents {
  struct Of {
    int64_t loss;
    torch::Tensor values;
  };
  std::vector<Of> all;

  void clear() {
    all.clear();
  }
};

/// A state as a matrix [B, d].
inline torch::Tensor as_rows(const torch::Tensor& state) {
  return state.dim() == 2 ? state : state.flatten(1);
}

/// A level of experts that are known layers, and of linear gates with a
/// softmax: products and mixtures without a graph.
class KnownLevel {
 public:
  /// Null, with the reason, where some of it is of another kind.
  static std::unique_ptr<KnownLevel> make(
      std::shared_ptr<ExpertLevel> level,
      const ParameterPlaces& places,
      std::string& reason);

  /// What changes from step to step. `like`: a parameter of the model.
  Obstacle obstacle(const torch::Tensor& like) const;
  bool takes_indices() const;

  using Wanted = ExpertLevel::Wanted;
  Wanted sources(const Wanted& wanted) const {
    return level_->sources(wanted);
  }
  /// From the states below to those that are wanted; good until the next call.
  const std::vector<torch::Tensor>& forward(
      const std::vector<torch::Tensor>& states, const Wanted& wanted);

  /// From the cotangents of these: adds to `rows` [n, N], whose part of what
  /// this forward used is zero, and to `below` unless that is null.
  void backward(
      const std::vector<StateCotangents>& above,
      const torch::Tensor& rows,
      std::vector<StateCotangents>* below);

  /// Adds the parameters that the forward used.
  void note_used(std::vector<torch::Tensor>& used) const;

 private:
  struct Expert {
    size_t taker; // whose state it reads
    std::shared_ptr<LayerChain> chain{};
    int64_t place = 0; // of its parameters in a row
    bool is_rectified = false;
    struct Mixer {
      size_t gate;
      size_t column;
    };
    std::vector<Mixer> mixers{};

    bool is_used = false;
    torch::Tensor output{};                  // [B, ...]
    std::vector<torch::Tensor> cotangents{}; // by loss
    std::vector<bool> is_reached{};          // by loss
    // The parts of the rows that its layers write, by loss.
    std::vector<std::vector<torch::Tensor>> parts{};
  };
  struct Gate {
    size_t taker;
    LinearLayer layer;
    // Of its parameters in a row; negative where they are not trained.
    int64_t weight_place = -1;
    int64_t bias_place = -1;
    std::vector<size_t> experts{}; // in its order
    // Those that are added by weights of their own: which of `experts`.
    std::vector<size_t> own{};
    torch::Tensor own_weights{}; // undefined where these are 1
    int64_t own_place = -1;

    bool is_used = false;
    torch::Tensor rows{};                    // [B, in]
    torch::Tensor shares{};                  // [B, n]
    torch::Tensor output{};                  // [B, ...]
    std::vector<torch::Tensor> cotangents{}; // of the shares, by loss
  };

  explicit KnownLevel(std::shared_ptr<ExpertLevel> level)
      : level_(std::move(level)) {}

  bool add_expert(
      size_t taker,
      const Network& expert,
      const ParameterPlaces& places,
      std::string& reason);
  bool add_gate(
      size_t taker, const ParameterPlaces& places, std::string& reason);
  void use(Gate& gate, const std::vector<torch::Tensor>& states);
  double own_weight(const Gate& gate, size_t column) const;
  template <typename Scalar>
  void mix_forward();
  template <typename Scalar>
  void mix_backward(const std::vector<StateCotangents>& above);
  template <typename Scalar>
  void write_gate(Gate& gate, torch::Tensor& slopes, torch::Tensor row);
  torch::Tensor& gradient_below(
      std::vector<StateCotangents>& below,
      size_t taker,
      int64_t loss,
      const torch::Tensor& like,
      bool& is_first);
  template <typename Scalar>
  void send_below(
      const Gate& gate,
      const torch::Tensor& slopes,
      int64_t loss,
      std::vector<StateCotangents>& below);
  void write_expert(
      Expert& expert,
      int64_t loss,
      const torch::Tensor& rows,
      std::vector<StateCotangents>* below);

  std::shared_ptr<ExpertLevel> level_;
  std::vector<Expert> experts_;
  std::vector<Gate> gates_;
  std::vector<torch::Tensor> outputs_;                    // by taker
  std::vector<std::vector<torch::Tensor>> state_buffers_; // by taker and loss
  torch::Tensor column_sums_;
  torch::Tensor rows_; // those of `Expert::parts`
};

} // namespace polytask::detail
