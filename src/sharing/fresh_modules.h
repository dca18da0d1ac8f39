// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/TensorImpl.h>
#include <c10/core/UndefinedTensorImpl.h>
#include <c10/util/intrusive_ptr.h>
#include <torch/nn/module.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include <polytask/core/api.h>
#include <polytask/core/network.h>

namespace polytask::detail {

/// What factories made for a sharing's tasks, of which no two may have a
/// module, a parameter or a buffer in common: each would be moved, counted as
/// one task's own and copied as if it were the only one. In one network a
/// module may stand twice.
class POLYTASK_API FreshModules {
 public:
  /// `who`: whom errors name.
  explicit FreshModules(std::string who) : who_(std::move(who)) {}
  /// What is made beside these, which must stay while this one is added to.
  static FreshModules beside(const FreshModules& known);

  /// `what` errors call it, such as "expert 0 of task 'a'". Throws, and names
  /// both, where it has something of one that was added or noted before.
  void add(const Network& network, const std::string& what);
  /// The same of a copy, of which a user's `clone` may keep what has no state.
  void note(const Network& network, const std::string& what);
  /// All that was made beside this one.
  void take(FreshModules made);

 private:
  // Weak, for another module can come to stand where one was.
  template <typename Weak>
  struct Known {
    Weak thing;
    std::shared_ptr<const std::string> what;
  };
  using Module = Known<std::weak_ptr<torch::nn::Module>>;
  using WeakTensor =
      c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;
  using Tensor = Known<WeakTensor>;

  const Module* known(const torch::nn::Module& module) const;
  const Tensor* known(const torch::Tensor& tensor) const;
  void refuse_known(const Network& network, const std::string& what) const;
  [[noreturn]] void refuse(
      const std::string& what,
      const char* kind,
      const std::string& name,
      const std::string& other) const;

  std::string who_;
  const FreshModules* before_ = nullptr;
  std::unordered_map<const torch::nn::Module*, Module> modules_;
  std::unordered_map<const c10::TensorImpl*, Tensor> tensors_;
};

} // namespace polytask::detail
