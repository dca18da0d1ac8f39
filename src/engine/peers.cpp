// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "peers.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <map>

#include "core/tensor_hash.h"

namespace polytask::detail {

namespace {

constexpr size_t kLongestReason = 1023;

std::string reason_of(const std::exception_ptr& failed) {
  try {
    std::rethrow_exception(failed);
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception of an unknown kind";
  }
}

// Those of the text itself.
torch::Tensor bytes_in(std::string& text) {
  return torch::from_blob(
      text.data(), {static_cast<int64_t>(text.size())}, torch::kUInt8);
}

// Parameters, then buffers.
std::vector<torch::Tensor> state_of(const MultiTaskModel& model) {
  auto all = model->parameters();
  const auto buffers = model->buffers();
  all.insert(all.end(), buffers.begin(), buffers.end());
  return all;
}

std::string description_of(
    const MultiTaskModel& model, const std::string& method) {
  std::string text = "the method '" + method + "'; ";
  for (int64_t task = 0; task < model->size(); ++task) {
    text += c10::str(
        "task '",
        model->task_names()[static_cast<size_t>(task)],
        "' of weight ",
        model->task(task).weight(),
        "; ");
  }
  for (const auto& all : {model->named_parameters(), model->named_buffers()}) {
    for (const auto& item : all) {
      const torch::Tensor& tensor = item.value();
      text += c10::str(
          item.key(),
          tensor.requires_grad() ? " " : " without a gradient ",
          tensor.sizes(),
          " ",
          tensor.dtype(),
          "; ");
    }
  }
  return text;
}

// From the first difference on.
std::string part_from(const std::string& text, size_t place) {
  const size_t begin = text.rfind("; ", place);
  const size_t first = begin == std::string::npos ? 0 : begin + 2;
  return text.substr(first, text.find("; ", first + 1) - first);
}

// Of all bytes; its square is exact in a double, for many ranks.
double mark_of(const torch::Tensor& tensor) {
  constexpr size_t kRange = 1 << 22;
  return static_cast<double>(hash_of(tensor) % kRange);
}

// The tensors of one dtype and device in one piece.
using Kind = std::pair<at::ScalarType, std::string>;

template <typename Visit>
void for_each_kind(
    const std::vector<torch::Tensor>& tensors, const Visit& visit) {
  std::map<Kind, std::vector<torch::Tensor>> kinds;
  for (const auto& tensor : tensors) {
    kinds[{tensor.scalar_type(), tensor.device().str()}].push_back(tensor);
  }
  for (const auto& [kind, own] : kinds) {
    std::vector<torch::Tensor> flat;
    for (const auto& tensor : own) {
      flat.push_back(tensor.reshape({-1}));
    }
    torch::Tensor all = torch::cat(flat);
    visit(all);
    int64_t place = 0;
    for (const auto& tensor : own) {
      torch::Tensor(tensor).copy_(
          all.narrow(0, place, tensor.numel()).view(tensor.sizes()));
      place += tensor.numel();
    }
  }
}

} // namespace

std::string Peers::of_rank(int64_t from, const std::string& text) const {
  if (!are_some()) {
    return text;
  }
  torch::Tensor length =
      torch::tensor({static_cast<int64_t>(text.size())}, torch::kLong);
  communicator_->broadcast(length, from);
  std::string all(static_cast<size_t>(length.item<int64_t>()), '\0');
  if (rank() == from) {
    all = text;
  }
  if (!all.empty()) {
    torch::Tensor bytes = bytes_in(all);
    communicator_->broadcast(bytes, from);
  }
  return all;
}

std::vector<std::string> Peers::of_all(const std::string& text) const {
  if (!are_some()) {
    return {text};
  }
  const torch::Tensor lengths = communicator_->gather(
      torch::tensor({static_cast<int64_t>(text.size())}, torch::kLong));
  const auto longest = static_cast<size_t>(lengths.max().item<int64_t>());
  std::vector<std::string> all;
  std::string own = text;
  own.resize(longest);
  const torch::Tensor bytes =
      longest == 0 ? torch::Tensor() : communicator_->gather(bytes_in(own));
  for (int64_t i = 0; i < size(); ++i) {
    const auto length = static_cast<size_t>(lengths[i].item<int64_t>());
    all.emplace_back(
        length == 0
            ? ""
            : reinterpret_cast<const char*>(bytes[i].const_data_ptr<uint8_t>()),
        length);
  }
  return all;
}

void Peers::broadcast(
    const std::vector<torch::Tensor>& tensors, int64_t from) const {
  const torch::NoGradGuard no_grad;
  for_each_kind(tensors, [&](torch::Tensor& all) {
    torch::Tensor of_any_dtype = all.view(torch::kUInt8);
    communicator_->broadcast(of_any_dtype, from);
  });
}

void Peers::begin(
    const MultiTaskModel& model, const std::string& method) const {
  if (!are_some()) {
    return;
  }
  const std::string own = description_of(model, method);
  const std::string first = of_first(own);
  sum_after(0, [&](std::vector<double>&) {
    const auto place = static_cast<size_t>(
        std::ranges::mismatch(own, first).in1 - own.begin());
    TORCH_CHECK_VALUE(
        own == first,
        "training: expected the model of rank 0, which has ",
        part_from(first, place),
        "; here it has ",
        part_from(own, place));
  });
  broadcast(state_of(model), 0);
}

void Peers::sum_numbers(
    std::vector<double>& numbers, const std::exception_ptr& failed) const {
  const torch::NoGradGuard no_grad;
  if (failed) {
    std::ranges::fill(numbers, 0.0);
  }
  numbers.push_back(failed ? 1 : 0);
  torch::Tensor all = torch::from_blob(
      numbers.data(), {static_cast<int64_t>(numbers.size())}, torch::kDouble);
  communicator_->sum(all);
  if (numbers.back() > 0) {
    refuse(failed);
  }
  numbers.pop_back();
}

void Peers::refuse(const std::exception_ptr& failed) const {
  const auto reasons =
      of_all(failed ? (reason_of(failed) + " ").substr(0, kLongestReason) : "");
  if (failed) {
    std::rethrow_exception(failed);
  }
  for (int64_t i = 0; i < size(); ++i) {
    const std::string& reason = reasons[static_cast<size_t>(i)];
    TORCH_CHECK_VALUE(
        reason.empty(),
        "training: rank ",
        i,
        " of ",
        size(),
        " could not take this step, so none does: ",
        reason.substr(0, reason.size() - 1));
  }
  C10_THROW_ERROR(
      ValueError, "training: another rank could not take this step.");
}

void Peers::check_dense(const std::vector<torch::Tensor>& parameters) {
  for (const auto& parameter : parameters) {
    const torch::Tensor& gradient = parameter.grad();
    TORCH_CHECK_VALUE(
        !gradient.defined() || gradient.layout() == torch::kStrided,
        "training: a gradient of shape ",
        parameter.sizes(),
        " is sparse, and several processes add up dense ones alone; make the "
        "embedding with sparse(false).");
  }
}

void Peers::sum_gradients(
    const std::vector<torch::Tensor>& parameters,
    std::vector<double>& numbers,
    const std::exception_ptr& failed) {
  if (failed) {
    std::ranges::fill(numbers, 0.0);
  }
  numbers.push_back(failed ? 1 : 0);
  gradients_.sum(*communicator_, parameters, numbers, /*has_some=*/!failed);
  if (numbers.back() > 0) {
    refuse(failed);
  }
  numbers.pop_back();
  gradients_.publish();
}

size_t Peers::first_that_differs(
    const std::vector<torch::Tensor>& tensors) const {
  const auto marks =
      sum_after(2 * tensors.size(), [&](std::vector<double>& numbers) {
        for (size_t i = 0; i < tensors.size(); ++i) {
          const double mark = mark_of(tensors[i]);
          numbers[2 * i] = mark;
          numbers[2 * i + 1] = mark * mark;
        }
      });
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!are_same(marks[2 * i], marks[2 * i + 1], size())) {
      return i;
    }
  }
  return tensors.size();
}

torch::Tensor Peers::sum_own_columns(const torch::Tensor& rows) const {
  const int64_t each = (rows.size(1) + size() - 1) / size();
  torch::Tensor blocks =
      torch::empty({size(), rows.size(0), each}, rows.options());
  for (int64_t i = 0; i < size(); ++i) {
    const int64_t begin = std::min(i * each, rows.size(1));
    const int64_t count = std::min(each, rows.size(1) - begin);
    blocks[i].narrow(1, 0, count).copy_(rows.narrow(1, begin, count));
    blocks[i].narrow(1, count, each - count).zero_();
  }
  return communicator_->sum_own_block(blocks);
}

torch::Tensor Peers::gather_columns(
    const torch::Tensor& own, int64_t columns) const {
  return communicator_->gather(own)
      .transpose(0, 1)
      .reshape({own.size(0), size() * own.size(1)})
      .narrow(1, 0, columns)
      .contiguous();
}

} // namespace polytask::detail
