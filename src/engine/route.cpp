// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/engine/route.h>

namespace polytask {

const char* to_string(Route route) {
  switch (route) {
    case Route::kAuto:
      return "automatic";
    case Route::kStackedHeads:
      return "stacked heads";
    case Route::kLinearProgram:
      return "linear program";
    case Route::kTrunkProgram:
      return "trunk program";
    case Route::kLayers:
      return "layers";
    case Route::kBatchedJacobian:
      return "batched Jacobian";
    case Route::kStreamedGramian:
      return "streamed Gramian";
    case Route::kLayerJacobian:
      return "layer Jacobian";
    case Route::kLayerGramian:
      return "layer Gramian";
    case Route::kFeatureGradients:
      return "feature gradients";
    default:
      return "autograd";
  }
}

std::ostream& operator<<(std::ostream& stream, Route route) {
  return stream << to_string(route);
}

} // namespace polytask
