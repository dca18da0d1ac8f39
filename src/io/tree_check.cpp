// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/tree_check.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/pickle_item.h"
#include "io/python_dtypes.h"
#include "io/utf8.h"

namespace polytask::io::detail {

namespace {

// What makes a tensor one without plain memory; empty if it has that.
std::string tensor_fault(const at::Tensor& tensor) {
  if (!tensor.defined()) {
    return "an undefined tensor";
  }
  if (tensor.layout() != at::kStrided) {
    return "a sparse tensor (to_dense() makes it a plain one)";
  }
  if (tensor.is_quantized()) {
    return "a quantized tensor (dequantize() makes it a plain one)";
  }
  if (tensor.is_meta()) {
    return "a tensor on the device meta, which has no values";
  }
  if (tensor.is_nested() || !tensor.has_storage()) {
    return "a tensor without memory of its own";
  }
  if (!python_dtype(tensor.scalar_type())) {
    return c10::str("a tensor of ", tensor.scalar_type());
  }
  return has_all_memory(tensor) ? "" : "a tensor whose memory was taken away";
}

class TreeWalk {
 public:
  WholeStorages whole;

  void walk(const c10::IValue& value) {
    if (value.isTensor()) {
      return walk_tensor(value.toTensor());
    }
    if (value.isString()) {
      return check_text(value.toStringRef());
    }
    if (value.isList() || value.isTuple() || value.isGenericDict()) {
      return walk_container(value);
    }
    if (!(value.isNone() || value.isBool() || value.isInt() ||
          value.isDouble() || value.isDevice())) {
      fail(
          "expected tensors, dicts, lists, numbers, text, bool or None, but "
          "found " +
          value.tagKind());
    }
  }

 private:
  struct Step {
    const c10::IValue* key; // or null
    size_t place;
  };

  void walk_tensor(const at::Tensor& tensor) {
    const std::string fault = tensor_fault(tensor);
    if (!fault.empty()) {
      fail("cannot write " + fault);
    }
    const StoragePart part = storage_part(tensor);
    const auto storage_size = static_cast<int64_t>(tensor.storage().nbytes());
    if (is_dense(tensor, part) && part.begin == 0 &&
        part.size > storage_size - tensor.element_size()) {
      whole.emplace(
          tensor.storage().unsafeGetStorageImpl(), tensor.scalar_type());
    }
  }

  void check_text(const std::string& text) {
    if (text.size() > std::numeric_limits<uint32_t>::max() || !is_utf8(text)) {
      fail("expected text in UTF-8, of less than 4 GiB");
    }
  }

  // Each once, however often it is there.
  void walk_container(const c10::IValue& value) {
    const void* identity = value.internalToPointer();
    const auto found = heights_.find(identity);
    if (found != heights_.end() && found->second == 0) {
      fail("a list or dict holds itself");
    }
    if (found == heights_.end()) {
      heights_[identity] = 0;
      ++depth_;
      check_depth(0);
      const int highest = std::exchange(highest_, 0);
      walk_items(value);
      heights_[identity] = 1 + highest_;
      highest_ = highest;
      --depth_;
    }
    check_depth(heights_[identity]);
    highest_ = std::max(highest_, heights_[identity]);
  }

  void walk_items(const c10::IValue& value) {
    if (!value.isGenericDict()) {
      size_t place = 0;
      for (const auto& item : value.isList()
               ? value.toListRef()
               : c10::ArrayRef<c10::IValue>(value.toTupleRef().elements())) {
        walk_item(item, {nullptr, place++});
      }
      return;
    }
    for (const auto& entry : value.toGenericDict()) {
      const c10::IValue& key = entry.key();
      path_.push_back({&key, 0});
      if (key.isString()) {
        check_text(key.toStringRef());
      } else if (!(key.isInt() || key.isDouble() || key.isBool())) {
        fail("expected keys that are text or numbers");
      }
      path_.pop_back();
      walk_item(entry.value(), {&key, 0});
    }
  }

  void walk_item(const c10::IValue& item, Step step) {
    path_.push_back(step);
    walk(item);
    path_.pop_back();
  }

  void check_depth(int height) const {
    if (depth_ + height > kDeepest) {
      fail(
          "more than " + std::to_string(kDeepest) +
          " lists or dicts are one in another");
    }
  }

  [[noreturn]] void fail(const std::string& what) const {
    constexpr size_t kShown = 10;
    std::string place;
    for (size_t i = 0; i < std::min(path_.size(), kShown); ++i) {
      place += (i == 0 ? "value " : " / ") + shown(path_[i]);
    }
    place += path_.size() > kShown ? " / ..." : "";
    TORCH_CHECK_VALUE(
        false, place.empty() ? "the value" : place, ": ", what, ".");
  }

  static std::string shown(const Step& step) {
    if (!step.key) {
      return std::to_string(step.place);
    }
    if (step.key->isString()) {
      return "'" + step.key->toStringRef() + "'";
    }
    return c10::str(*step.key);
  }

  std::vector<Step> path_;
  // By identity: 1 + the highest item's; 0 while it is being walked.
  std::unordered_map<const void*, int> heights_;
  int depth_ = 0;
  int highest_ = 0;
};

} // namespace

StoragePart storage_part(const at::Tensor& tensor) {
  const auto element = static_cast<int64_t>(tensor.element_size());
  if (tensor.numel() == 0) {
    return {};
  }
  int64_t last = 0;
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    last += (tensor.size(i) - 1) * tensor.stride(i);
  }
  return {tensor.storage_offset() * element, (last + 1) * element};
}

bool has_all_memory(const at::Tensor& tensor) {
  const StoragePart part = storage_part(tensor);
  return part.size == 0 ||
      (tensor.storage().data() != nullptr &&
       static_cast<uint64_t>(part.begin + part.size) <=
           tensor.storage().nbytes());
}

bool is_dense(const at::Tensor& tensor, const StoragePart& part) {
  const auto element = static_cast<int64_t>(tensor.element_size());
  return part.size / element <= tensor.numel() && !tensor.is_conj() &&
      !tensor.is_neg();
}

WholeStorages check_tree(const c10::IValue& value) {
  TreeWalk tree;
  tree.walk(value);
  return tree.whole;
}

} // namespace polytask::io::detail
