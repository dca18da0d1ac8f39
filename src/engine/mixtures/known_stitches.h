// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <polytask/sharing/cross_stitch.h>

#include "known_mixtures.h"
#include "mixing_jobs.h"
#include "placed_chain.h"
#include "reached.h"

namespace polytask::detail {

/// A column of known stages for each task, and units that mix what they give.
class KnownStitches : public KnownMixtures {
 public:
  static bool is_kind(const Sharing& sharing);
  /// Null, with the reason, where something in it is not known.
  static std::shared_ptr<KnownStitches> make(
      const Sharing& sharing, std::string& reason);

  const char* parts() const override {
    return "stages and cross-stitch units";
  }

 protected:
  Obstacle obstacle_within(const torch::Tensor& like) const override;
  void want(const std::vector<int64_t>& tasks) override;
  void run(
      const torch::Tensor& input,
      const std::vector<int64_t>& tasks,
      bool is_differentiated,
      std::vector<torch::Tensor>& features) override;
  void note_used(std::vector<torch::Tensor>& used) const override;
  void backward(
      const std::vector<torch::Tensor>& cotangents,
      const std::vector<int64_t>& losses,
      const torch::Tensor& rows) override;

 private:
  struct Stage { // of one task
    PlacedChain chain;
    bool is_rectified;
    bool is_wanted = false;

    torch::Tensor output{};
    torch::Tensor cotangents{}; // where a unit makes them
  };
  struct Unit {
    torch::Tensor weights; // [T, T]
    int64_t place;         // in a row; negative where it is not trained
    std::vector<bool> is_wanted{};
    std::vector<torch::Tensor> outputs{}; // by task
    torch::Tensor products{};             // of what is mixed and cotangents
  };
  struct Step { // a stage of every task, and the unit behind it
    std::vector<Stage> stages{};
    std::unique_ptr<Unit> unit{};
    bool learns_below = false;
  };

  explicit KnownStitches(const Sharing& sharing) : KnownMixtures(sharing) {}

  void forward(size_t place);
  void check_shapes(size_t step) const;
  template <typename Scalar>
  void mix(Step& step);
  /// Through the unit, to what the stages below it gave.
  template <typename Scalar>
  void unmix(
      Step& step, std::vector<Reached>& reached, const torch::Tensor& rows);
  template <typename Scalar>
  static void write_unit(
      Unit& unit,
      const std::vector<Reached>& reached,
      const torch::Tensor& rows);

  std::vector<std::string> names_;
  std::vector<Step> steps_;
  std::vector<torch::Tensor> states_;
  std::vector<size_t> at_once_; // tasks of one stage
  MixingMemory memory_;
};

} // namespace polytask::detail
