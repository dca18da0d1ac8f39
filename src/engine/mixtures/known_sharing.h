// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>

#include "../layers/layer_chain.h"
#include "known_mixtures.h"

namespace polytask::detail {

/// What the engine knows of a model's sharing: the chain of a hard-shared
/// trunk, or the levels of experts, or why neither.
struct KnownSharing {
  static KnownSharing of(const MultiTaskModel& model, bool has_tied_modules) {
    KnownSharing known{KnownTrunk::of(model, has_tied_modules), nullptr};
    if (!known.trunk.chain) {
      std::string reason;
      known.mixtures = KnownMixtures::of(model, has_tied_modules, reason);
      known.trunk.why_not =
          known.mixtures || reason.empty() ? known.trunk.why_not : reason;
    }
    return known;
  }

  KnownTrunk trunk;
  std::shared_ptr<KnownMixtures> mixtures;
};

} // namespace polytask::detail
