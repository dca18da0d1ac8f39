// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "identity.h"

#include "module_access.h"

namespace polytask::detail {

namespace {

// Stands for the end of a list.
const void* end_of_list() {
  static const char end = 0;
  return &end;
}

// An address and one bit: tensors lie at even ones.
const void* marked(const at::Tensor& tensor) {
  const auto* address =
      reinterpret_cast<const char*>(tensor.unsafeGetTensorImpl());
  return address + (tensor.defined() && tensor.requires_grad() ? 1 : 0);
}

// The module alone.
template <typename See>
bool look_at(const torch::nn::Module& module, const See& see) {
  using Access = torch::nn::Cloneable<ModuleAccess>;
  if (!see(&module)) {
    return false;
  }
  for (const auto& parameter : Access::parameters(module)) {
    if (!see(marked(parameter.value()))) {
      return false;
    }
  }
  for (const auto& buffer : Access::buffers(module)) {
    if (!see(marked(buffer.value()))) {
      return false;
    }
  }
  return true;
}

template <typename See>
bool look_at_all(const torch::nn::Module& module, const See& see) {
  return visit_modules(module, [&](const torch::nn::Module& each) {
    return look_at(each, see);
  });
}

// Whether what is seen is what was.
class Comparison {
 public:
  Comparison(const std::vector<const void*>& seen, size_t begin, size_t end)
      : next_(seen.data() + begin), end_(seen.data() + end) {}

  bool operator()(const void* thing) const {
    return next_ != end_ && *next_++ == thing;
  }
  bool is_at_end() const {
    return next_ == end_;
  }

 private:
  mutable const void* const* next_;
  const void* const* end_;
};

} // namespace

template <typename See>
bool Identity::look_at_common(
    const MultiTaskModel& model,
    const torch::optim::Optimizer* optimizer,
    const See& see) {
  using Access = torch::nn::Cloneable<ModuleAccess>;
  if (!look_at(*model, see)) {
    return false;
  }
  const torch::nn::Module& heads = model->heads();
  for (const auto& child : Access::children(*model)) {
    if (child.value().get() != &heads && !look_at_all(*child.value(), see)) {
      return false;
    }
  }
  if (!look_at(heads, see)) {
    return false;
  }
  for (const auto& head : Access::children(heads)) {
    if (!see(head.value().get())) {
      return false;
    }
  }
  if (!see(end_of_list())) {
    return false;
  }
  if (optimizer == nullptr) {
    return true;
  }
  for (const auto& group : optimizer->param_groups()) {
    for (const auto& parameter : group.params()) {
      if (!see(parameter.unsafeGetTensorImpl())) {
        return false;
      }
    }
    if (!see(end_of_list())) {
      return false;
    }
  }
  return true;
}

Identity::Identity(
    const MultiTaskModel& model, const torch::optim::Optimizer& optimizer)
    : Identity(model, &optimizer) {}

Identity::Identity(const MultiTaskModel& model) : Identity(model, nullptr) {}

Identity::Identity(
    const MultiTaskModel& model, const torch::optim::Optimizer* optimizer) {
  using Access = torch::nn::Cloneable<ModuleAccess>;
  const auto into = [](std::vector<const void*>& seen) {
    return [&seen](const void* thing) {
      seen.push_back(thing);
      return true;
    };
  };
  look_at_common(model, optimizer, into(common_));
  for (const auto& head : Access::children(model->heads())) {
    starts_.push_back(heads_.size());
    look_at_all(*head.value(), into(heads_));
  }
  starts_.push_back(heads_.size());
}

bool Identity::is_of(
    const MultiTaskModel& model,
    const torch::optim::Optimizer& optimizer) const {
  const Comparison comparison(common_, 0, common_.size());
  return look_at_common(model, &optimizer, comparison) &&
      comparison.is_at_end();
}

bool Identity::is_of(const MultiTaskModel& model) const {
  const Comparison comparison(common_, 0, common_.size());
  return look_at_common(model, nullptr, comparison) && comparison.is_at_end() &&
      has_heads(model, 0, model->size());
}

bool Identity::has_heads(
    const MultiTaskModel& model, int64_t begin, int64_t end) const {
  const auto& heads =
      torch::nn::Cloneable<ModuleAccess>::children(model->heads());
  const auto start = [this](int64_t task) {
    return starts_[static_cast<size_t>(task)];
  };
  const Comparison comparison(heads_, start(begin), start(end));
  for (int64_t task = begin; task < end; ++task) {
    if (!look_at_all(*heads[static_cast<size_t>(task)].value(), comparison)) {
      return false;
    }
  }
  return comparison.is_at_end();
}

} // namespace polytask::detail
