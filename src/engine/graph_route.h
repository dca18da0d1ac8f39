// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autograd_route.h"
#include "graph_state.h"
#include "step_context.h"
#include "step_graph.h"

namespace polytask::detail {

/// Autograd's steps on a device that can record them. A piece of work, which is
/// who takes part on data of what shape, is done three times by itself, then
/// recorded, and from then on replayed on the data of each step. Where a number
/// changes that the recording holds, such as a learning rate, the piece is done
/// once by itself and recorded anew; where they change more often than they
/// stay, it is not recorded until they have come to rest.
///
/// No step waits for the device.
class GraphRoute {
 public:
  explicit GraphRoute(StepContext& context);
  ~GraphRoute();

  /// One whole step, update and all; nothing where it has to be taken by
  /// `autograd_backward`. Without `report` it may be empty.
  std::optional<StepReport> step(
      const HeadSteps& steps,
      bool share_input,
      const TaskSource& source,
      bool report);

  /// How the last step was taken, and why; empty where nobody records steps of
  /// the model's device.
  const std::string& reason() const {
    return reason_;
  }

 private:
  struct Recording;

  bool find_device();
  std::string obstacle(const HeadSteps& steps, const TaskSource& source) const;
  Recording& recording_of(const HeadSteps& steps, bool share_input);
  GraphState state_of(const HeadSteps& steps) const;
  StepReport warm_up(Recording& own, const HeadSteps& steps, bool share_input);
  AutogradStep take(const HeadSteps& steps, bool share_input);
  bool record(Recording& own, const HeadSteps& steps, bool share_input);
  StepReport replay(Recording& own, const HeadSteps& steps, bool report);
  void give_up(const std::string& why);

  StepContext& context_;
  /// What all graphs are made from; null where nobody makes any.
  std::unique_ptr<StepGraph> maker_;
  std::optional<at::Device> device_;
  /// The one that was used last comes first.
  std::list<Recording> recordings_;
  std::string given_up_;
  std::string reason_;
};

} // namespace polytask::detail
