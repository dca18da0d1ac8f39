// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/ivalue.h>
#include <c10/core/Storage.h>

#include <variant>
#include <vector>

#include "io/allowed_global.h"

namespace polytask::io::detail {

/// More containers than this, one in another, are neither read nor written:
/// whoever walks or frees them does so by recursion.
constexpr int kDeepest = 200;

struct PickleStorage {
  c10::Storage storage;
  at::ScalarType type;
};

struct PickleContainer;

/// What an unpickler's stack and memo hold.
using PickleItem = std::variant<
    c10::IValue,
    PickleContainer*,
    const PickleStorage*,
    const PickleGlobal*>;

enum class ContainerKind { kList, kTuple, kDict };

/// A list, tuple or dict (keys and values by turns). It becomes an IValue at
/// the end, when it is known that it does not hold itself: such IValues are
/// never freed.
struct PickleContainer {
  ContainerKind kind;
  bool is_ordered_dict = false;
  std::vector<PickleItem> items = {};

  c10::IValue value = {};
  bool is_begun = false;
  int height = 0; // 0 until there is a value, then 1 + its highest item's
};

/// Throws ValueError if it is no value, but a function or a storage; if a list
/// or dict holds itself, or more than kDeepest are one in another; if keys are
/// no text or numbers.
c10::IValue value_of(const PickleItem& item);

/// Throws ValueError.
[[noreturn]] void fail_pickle(const std::string& what);
/// The same, of a pickle that Python does not write.
void check_pickle(bool ok, const char* what);

} // namespace polytask::io::detail
