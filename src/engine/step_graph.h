// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/Device.h>

#include <functional>
#include <memory>

#include <polytask/core/api.h>

namespace polytask::detail {

/// The work that a step gives a device, recorded once and done again at will.
/// What the step's host code decides, and each number it hands over by value,
/// is that of the recording.
class POLYTASK_API StepGraph {
 public:
  virtual ~StepGraph() = default;

  /// Takes a step by itself where recordings are made. Work of the current
  /// stream goes before it, and comes after it. Does not wait for the device.
  virtual void warm_up(const std::function<void()>& step) = 0;

  /// Records a step, which does none of the device's work; its host code may
  /// run, once. At most one recording for each object. Throws what the step
  /// throws, and what the device has against its work; then the object is of
  /// no further use, and the device as it was.
  virtual void record(std::function<void()> step) = 0;

  /// Does the recorded work, on the current stream.
  virtual void replay() = 0;

  /// An empty one for work that never runs at the same time. It uses the memory
  /// of those that are recorded and alive; what they wrote stays as long as
  /// tensors hold it.
  virtual std::unique_ptr<StepGraph> another() const = 0;
};

using MakeStepGraph = std::unique_ptr<StepGraph> (*)(at::Device device);

/// Says who makes the graphs of a type of device; null for nobody.
POLYTASK_API void register_step_graph(at::DeviceType type, MakeStepGraph make);

/// Null where the type of the device has none.
POLYTASK_API std::unique_ptr<StepGraph> make_step_graph(at::Device device);

} // namespace polytask::detail
