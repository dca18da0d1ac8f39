// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <typeinfo>

namespace polytask {

/// What a loss is made of, so that the engine can differentiate it otherwise
/// than through the graph of its head.
struct LossForm {
  enum class Kind : uint8_t {
    /// It may look at anything, parameters too.
    kUnknown,
    /// At nothing but outputs, to which it does not write, labels and weights
    /// of rows; it has no parameter of its own.
    kOfOutputs,
    // Means over the labels that are present, of output and label [B, K]
    // element by element, with r = output - label:
    /// r².
    kSquared,
    /// |r|.
    kAbsolute,
    /// ½ r² where |r| <= parameter, else parameter (|r| - ½ parameter).
    kHuber,
    /// Binary cross entropy of logits and labels from 0 to 1, with `parameter`
    /// as the factor of what is positive.
    kBinary,
  };

  /// The form of the losses of this very class, and of none that derives from
  /// it.
  template <typename Class>
  static LossForm of(Kind kind, double parameter = 1) {
    return {kind, parameter, &typeid(Class)};
  }

  Kind kind = Kind::kUnknown;
  double parameter = 1;
  const std::type_info* class_of = nullptr;
};

} // namespace polytask
