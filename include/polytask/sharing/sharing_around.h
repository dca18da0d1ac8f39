// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/sharing/inputs_sharing.h>

namespace polytask {

/// The base of sharings around another one. It hands on all that a sharing is
/// told and asked, and as it is gives the inner one's features.
class POLYTASK_API SharingAround : public InputsSharing {
 public:
  std::vector<Inputs> features_for_all(
      const Inputs& inputs, int64_t tasks) override;
  Inputs features_for(const Inputs& inputs, int64_t task) override;

  std::vector<torch::Tensor> task_parameters(int64_t task) const override;
  std::vector<torch::Tensor> used_parameters(int64_t task) const override;
  torch::Tensor own_loss(c10::ArrayRef<int64_t> tasks) override;
  void begin_step() override;
  void end_epoch() override;
  bool draws() const override;
  std::vector<MixingWeights> mixing_weights() const override;

  Sharing& inner() const {
    return *inner_;
  }

 protected:
  /// Registers the inner one as "inner". Throws where it is empty.
  SharingAround(std::string name, std::shared_ptr<Sharing> inner);
  void add_task(const std::string& name) override;

 private:
  std::shared_ptr<Sharing> inner_;
};

} // namespace polytask
