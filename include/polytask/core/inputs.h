// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/api.h>

namespace polytask {

/// What a model is given: named tensors in their order, each [B, ...]. A tensor
/// is an `Inputs` of one, called "input", and is passed on as the tensor it is.
///
/// Copies share the tensors. The names and tensors cannot be changed.
///
/// ```cpp
/// polytask::Inputs inputs{{"dense", dense}, {"ids", ids}};
/// auto batch = polytask::Batch(inputs, {{"click", y}});
/// ```
class POLYTASK_API Inputs {
 public:
  using Named = std::pair<std::string, at::Tensor>;

  /// One tensor without a name of its own; nothing is looked at.
  Inputs(at::Tensor tensor) // NOLINT: meant to be implicit
      : tensor_(std::move(tensor)) {}

  /// Throws `c10::ValueError`, and names the tensor, if there is none, a name
  /// is empty or comes twice, a tensor is undefined or has no rows' dimension,
  /// or they differ in their number of rows or in their device.
  Inputs(std::initializer_list<Named> tensors);
  explicit Inputs(std::vector<Named> tensors);

  /// Whether it is one tensor, under whatever name.
  bool is_tensor() const {
    return !named_ || named_->size() == 1;
  }
  /// That one tensor; throws, and lists the names, where there are several.
  const at::Tensor& tensor() const {
    return is_tensor() ? tensor_ : refuse_tensor();
  }

  /// The tensor of that name; throws, and lists the names there are, if there
  /// is none.
  const at::Tensor& operator[](const std::string& name) const;
  const at::Tensor& at(const std::string& name) const {
    return (*this)[name];
  }
  bool has(const std::string& name) const;
  std::vector<std::string> names() const;
  /// The number of tensors.
  size_t size() const {
    return named_ ? named_->size() : 1;
  }

  /// The number of rows, B, that all tensors have.
  int64_t rows() const;
  at::Device device() const;
  bool requires_grad() const;

  /// The same tensors on another device.
  Inputs to(const at::Device& device) const;
  /// `length` rows from row `start` on, as views.
  Inputs narrow(int64_t start, int64_t length) const;
  /// The rows of these numbers, int64 [n], as copies.
  Inputs index_select(const at::Tensor& rows) const;

  /// Calls `visit(name, tensor)` for each tensor in turn.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    if (!named_) {
      visit(kDefaultName, tensor_);
      return;
    }
    for (const auto& [name, tensor] : *named_) {
      visit(name, tensor);
    }
  }

  /// The same names, each with `change(tensor)`.
  template <typename Change>
  Inputs map(const Change& change) const {
    if (!named_) {
      return Inputs(at::Tensor(change(tensor_)));
    }
    std::vector<Named> changed;
    changed.reserve(named_->size());
    for (const auto& [name, tensor] : *named_) {
      changed.emplace_back(name, at::Tensor(change(tensor)));
    }
    return Inputs(std::move(changed));
  }

  /// Equal for copies of one `Inputs`, and for the same tensor without a name.
  const void* identity() const {
    return named_ ? static_cast<const void*>(named_.get())
                  : tensor_.unsafeGetTensorImpl();
  }

 private:
  static const std::string kDefaultName;

  [[noreturn]] const at::Tensor& refuse_tensor() const;

  /// Where there is one.
  at::Tensor tensor_;
  /// Null where the one tensor has no name of its own.
  std::shared_ptr<const std::vector<Named>> named_;
};

/// The shapes: `[8, 3]`, or `'dense' [8, 3], 'ids' [8]`.
POLYTASK_API std::ostream& operator<<(
    std::ostream& stream, const Inputs& inputs);

} // namespace polytask
