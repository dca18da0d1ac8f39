// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/core/inputs.h>

#include <c10/util/Exception.h>

#include <algorithm>
#include <unordered_set>

#include "core/check.h"

namespace polytask {

namespace {

void check_alone(const Inputs::Named& input) {
  const auto& [name, tensor] = input;
  TORCH_CHECK_VALUE(!name.empty(), "Inputs: a tensor has no name.");
  TORCH_CHECK_VALUE(
      tensor.defined(), "Inputs: the tensor '", name, "' is undefined.");
  TORCH_CHECK_VALUE(
      tensor.dim() >= 1,
      "Inputs: expected '",
      name,
      "' to have a first dimension that counts rows, but it is a scalar.");
}

void check_together(const Inputs::Named& input, const Inputs::Named& first) {
  TORCH_CHECK_VALUE(
      input.second.size(0) == first.second.size(0),
      "Inputs: expected '",
      input.first,
      "' to have the ",
      first.second.size(0),
      " rows of '",
      first.first,
      "', but its shape is ",
      input.second.sizes(),
      ".");
  TORCH_CHECK_VALUE(
      input.second.device() == first.second.device(),
      "Inputs: '",
      input.first,
      "' is on ",
      input.second.device(),
      ", but '",
      first.first,
      "' on ",
      first.second.device(),
      ".");
}

} // namespace

const std::string Inputs::kDefaultName = "input";

Inputs::Inputs(std::initializer_list<Named> tensors)
    : Inputs(std::vector<Named>(tensors)) {}

Inputs::Inputs(std::vector<Named> tensors) {
  TORCH_CHECK_VALUE(!tensors.empty(), "Inputs: it has no tensor.");
  std::unordered_set<std::string> seen;
  for (const Named& input : tensors) {
    check_alone(input);
    check_together(input, tensors[0]);
    TORCH_CHECK_VALUE(
        seen.insert(input.first).second,
        "Inputs: '",
        input.first,
        "' comes more than once.");
  }
  if (tensors.size() == 1) {
    tensor_ = tensors[0].second;
  }
  named_ = std::make_shared<const std::vector<Named>>(std::move(tensors));
}

const at::Tensor& Inputs::refuse_tensor() const {
  TORCH_CHECK_VALUE(
      false,
      "Inputs: expected one tensor, but there are several: ",
      detail::quoted(names()),
      "; ask for one by its name.");
}

const at::Tensor& Inputs::operator[](const std::string& name) const {
  const at::Tensor* found = nullptr;
  for_each([&](const std::string& own, const at::Tensor& tensor) {
    found = own == name ? &tensor : found;
  });
  TORCH_CHECK_VALUE(
      found != nullptr,
      "Inputs: there is no '",
      name,
      "'; there is ",
      detail::quoted(names()),
      ".");
  return *found;
}

bool Inputs::has(const std::string& name) const {
  bool found = false;
  for_each([&](const std::string& own, const at::Tensor&) {
    found = found || own == name;
  });
  return found;
}

std::vector<std::string> Inputs::names() const {
  std::vector<std::string> all;
  for_each(
      [&](const std::string& name, const at::Tensor&) { all.push_back(name); });
  return all;
}

int64_t Inputs::rows() const {
  return named_ ? (*named_)[0].second.size(0) : tensor_.size(0);
}

at::Device Inputs::device() const {
  return named_ ? (*named_)[0].second.device() : tensor_.device();
}

bool Inputs::requires_grad() const {
  bool any = false;
  for_each([&](const std::string&, const at::Tensor& tensor) {
    any = any || tensor.requires_grad();
  });
  return any;
}

Inputs Inputs::to(const at::Device& device) const {
  return map([&](const at::Tensor& tensor) { return tensor.to(device); });
}

Inputs Inputs::narrow(int64_t start, int64_t length) const {
  return map([&](const at::Tensor& tensor) {
    return tensor.narrow(0, start, length);
  });
}

Inputs Inputs::index_select(const at::Tensor& rows) const {
  return map(
      [&](const at::Tensor& tensor) { return tensor.index_select(0, rows); });
}

std::ostream& operator<<(std::ostream& stream, const Inputs& inputs) {
  const bool is_tensor = inputs.is_tensor();
  bool is_first = true;
  inputs.for_each([&](const std::string& name, const at::Tensor& tensor) {
    stream << (std::exchange(is_first, false) ? "" : ", ");
    if (!is_tensor) {
      stream << "'" << name << "' ";
    }
    if (tensor.defined()) {
      stream << tensor.sizes();
    } else {
      stream << "undefined";
    }
  });
  return stream;
}

} // namespace polytask
