// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>
#include <polytask/engine/route.h>
#include <polytask/model/multi_task_model.h>

namespace polytask {

/// The outputs of a model without a graph, for programs that ask many times,
/// such as with one row at a time. Where trunk or experts and heads are made of
/// layers that the engine knows and the input is one tensor, it takes them
/// without LibTorch's dispatch and allocates nothing after the first call of a
/// shape; else, as behind `Preceded` or a `TabularTrunk`, it is the model's own
/// forward: `route` says which.
///
/// The model may be trained or changed between calls, and is asked in the mode
/// in which it is. Not for several threads at once.
///
/// ```cpp
/// model->eval();
/// polytask::Predictor predictor(model);
/// const auto& outputs = predictor.predict(x); // by task, in the model's order
/// ```
class POLYTASK_API Predictor {
 public:
  /// Throws if the model is empty or has no task.
  explicit Predictor(MultiTaskModel model);
  Predictor(Predictor&& other) noexcept;
  Predictor& operator=(Predictor&& other) noexcept;
  ~Predictor();

  /// What `forward` gives, one tensor for each task, without a graph. Good
  /// until the next call, which may overwrite them: clone what is to be kept.
  const std::vector<at::Tensor>& predict(const Inputs& input);
  /// The same of one task; nothing of another is computed.
  const at::Tensor& predict(const Inputs& input, const std::string& task);

  /// How the last call went, `kTrunkProgram` or `kAutograd`, and why not
  /// faster.
  const RouteChoice& route() const;

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

} // namespace polytask
