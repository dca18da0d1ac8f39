// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <sstream>

#include <polytask/model/multi_task_model.h>
#include "core/tensor_sets.h"

namespace polytask {

namespace {

// 1234567 -> "1,234,567"
std::string with_commas(int64_t count) {
  std::string digits = fmt::format("{}", count);
  for (auto at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

std::string parameter_count(const std::vector<torch::Tensor>& parameters) {
  const int64_t count =
      detail::count_elements(detail::unique_tensors(parameters));
  return with_commas(count) + (count == 1 ? " parameter" : " parameters");
}

std::string one_line(const torch::nn::Module& module) {
  std::ostringstream text;
  module.pretty_print(text);
  return text.str();
}

void print_tree(
    std::ostream& stream,
    const torch::nn::Module& module,
    const std::string& label,
    const std::string& note,
    const std::string& indent) {
  stream << indent << label << ": " << one_line(module) << note << " ["
         << parameter_count(module.parameters()) << "]\n";
  for (const auto& child : module.named_children()) {
    print_tree(stream, *child.value(), child.key(), "", indent + "  ");
  }
}

} // namespace

void MultiTaskModelImpl::pretty_print(std::ostream& stream) const {
  stream << fmt::format(
      "polytask::MultiTaskModel({} task{}) [{}, {} shared]\n",
      size(),
      size() == 1 ? "" : "s",
      parameter_count(unique_parameters()),
      with_commas(detail::count_elements(shared_parameters())));
  print_tree(stream, *sharing_, "sharing", "", "  ");
  for (size_t i = 0; i < tasks_.size(); ++i) {
    std::ostringstream note;
    note << ", ";
    tasks_[i].loss().pretty_print(note);
    note << ", weight " << tasks_[i].weight();
    print_tree(stream, *tasks_[i].head().module(), names_[i], note.str(), "  ");
  }
}

std::ostream& operator<<(
    std::ostream& stream, const MultiTaskModelImpl& model) {
  model.pretty_print(stream);
  return stream;
}

} // namespace polytask
