// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/pickle_item.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "io/crowded_keys.h"

namespace polytask::io::detail {

namespace {

// Gives containers their values.
class ContainerValues {
 public:
  c10::IValue of(const PickleItem& item) {
    if (const auto* leaf = std::get_if<c10::IValue>(&item)) {
      return *leaf;
    }
    if (const auto* container = std::get_if<PickleContainer*>(&item)) {
      return of_container(**container);
    }
    if (const auto* global = std::get_if<const PickleGlobal*>(&item)) {
      if ((*global)->role == GlobalRole::kDtype) {
        return c10::IValue((*global)->name);
      }
      fail_pickle("expected values, but found '" + (*global)->name + "'.");
    }
    fail_pickle("expected tensors, but found a storage on its own.");
  }

 private:
  const c10::IValue& of_container(PickleContainer& container) {
    if (container.height == 0) {
      if (container.is_begun) {
        fail_pickle("a list or dict holds itself.");
      }
      container.is_begun = true;
      ++depth_;
      check_depth(0);
      const int highest = std::exchange(highest_, 0);
      container.value =
          made(container.kind, std::exchange(container.items, {}));
      container.height = 1 + highest_;
      highest_ = highest;
      --depth_;
    }
    check_depth(container.height);
    highest_ = std::max(highest_, container.height);
    return container.value;
  }

  void check_depth(int height) const {
    if (depth_ + height > kDeepest) {
      fail_pickle(
          "more than " + std::to_string(kDeepest) +
          " lists or dicts are one in another.");
    }
  }

  c10::IValue made(ContainerKind kind, const std::vector<PickleItem>& items) {
    if (kind == ContainerKind::kDict) {
      return made_dict(items);
    }
    std::vector<c10::IValue> values;
    values.reserve(items.size());
    for (const PickleItem& item : items) {
      values.push_back(of(item));
    }
    if (kind == ContainerKind::kTuple) {
      return c10::ivalue::Tuple::create(std::move(values));
    }
    c10::impl::GenericList list(c10::AnyType::get());
    list.reserve(values.size());
    for (auto& value : values) {
      list.push_back(std::move(value));
    }
    return list;
  }

  c10::IValue made_dict(const std::vector<PickleItem>& items) {
    std::vector<size_t> hashes;
    for (size_t i = 0; i < items.size(); i += 2) {
      const auto* key = std::get_if<c10::IValue>(&items[i]);
      if (!key ||
          !(key->isString() || key->isInt() || key->isDouble() ||
            key->isBool())) {
        fail_pickle("expected dicts whose keys are text or numbers.");
      }
      hashes.push_back(c10::detail::DictKeyHash()(*key));
    }
    if (are_crowded(hashes)) {
      fail_pickle("a dict's keys were chosen such that it takes all memory.");
    }
    c10::impl::GenericDict dict(c10::AnyType::get(), c10::AnyType::get());
    for (size_t i = 0; i < items.size(); i += 2) {
      dict.insert_or_assign(std::get<c10::IValue>(items[i]), of(items[i + 1]));
    }
    return dict;
  }

  int depth_ = 0;   // of what is being made
  int highest_ = 0; // of the items of what is being made, so far
};

} // namespace

c10::IValue value_of(const PickleItem& item) {
  return ContainerValues().of(item);
}

void fail_pickle(const std::string& what) {
  TORCH_CHECK_VALUE(false, what);
}

void check_pickle(bool ok, const char* what) {
  if (!ok) {
    fail_pickle(std::string("its pickle is damaged: ") + what + ".");
  }
}

} // namespace polytask::io::detail
