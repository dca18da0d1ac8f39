// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <polytask/fit/callback.h>
#include <polytask/fit/fit.h>
#include <polytask/training/mixing_recorder.h>

#include <c10/util/Exception.h>

namespace polytask::fit::detail {

/// Records how the sharing mixed in the last step of each epoch; since a resume
/// or a change of the model, where there was one.
class RecordMixing : public Callback {
 public:
  void on_epoch_end(Fit& fit) override {
    try {
      recorder_.add(fit.model());
    } catch (const c10::ValueError&) {
      recorder_.reset();
      recorder_.add(fit.model());
    }
  }

  const MixingRecorder& recorder() const {
    return recorder_;
  }

 private:
  MixingRecorder recorder_;
};

} // namespace polytask::fit::detail
