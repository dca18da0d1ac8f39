// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <polytask/core/communicator.h>
#include <polytask/model/multi_task_model.h>

#include "flat_gradients.h"

namespace polytask::detail {

/// The processes that take each step together. What one of them does by itself,
/// and may fail in, ends in a sum over all: where one throws, all do, and can
/// take the next step.
class Peers {
 public:
  /// `communicator`: null for one process.
  explicit Peers(std::shared_ptr<Communicator> communicator)
      : communicator_(std::move(communicator)) {}

  bool are_some() const {
    return communicator_ && communicator_->size() > 1;
  }
  int64_t rank() const {
    return communicator_ ? communicator_->rank() : 0;
  }
  int64_t size() const {
    return communicator_ ? communicator_->size() : 1;
  }

  /// Gives all of them the parameters and buffers of rank 0. Throws where the
  /// balancing, tasks, parameters or buffers are others.
  void begin(const MultiTaskModel& model, const std::string& method) const;

  /// Calls local(numbers), which writes to `count` zeros, and gives the sums.
  /// Throws what local throws, and on the other ranks what was thrown on one.
  template <typename Local>
  std::vector<double> sum_after(size_t count, const Local& local) const {
    std::vector<double> numbers(count, 0.0);
    if (!are_some()) {
      local(numbers);
      return numbers;
    }
    sum_numbers(numbers, failure_of([&] { local(numbers); }));
    return numbers;
  }

  /// The text of a rank, and of rank 0.
  std::string of_rank(int64_t from, const std::string& text) const;
  std::string of_first(const std::string& text) const {
    return of_rank(0, text);
  }
  /// That of each, in their order.
  std::vector<std::string> of_all(const std::string& text) const;
  /// Gives all of them the values of a rank's.
  void broadcast(const std::vector<torch::Tensor>& tensors, int64_t from) const;

  /// Throws on a sparse gradient, of which there are none in sums.
  static void check_dense(const std::vector<torch::Tensor>& parameters);
  /// Sums the gradients of these parameters that local(numbers) writes, and
  /// the numbers.
  template <typename Local>
  std::vector<double> sum_gradients_after(
      const std::vector<torch::Tensor>& parameters,
      size_t count,
      const Local& local) {
    if (!are_some()) {
      return sum_after(count, local);
    }
    std::vector<double> numbers(count, 0.0);
    sum_gradients(parameters, numbers, failure_of([&] {
                    local(numbers);
                    check_dense(parameters);
                  }));
    return numbers;
  }

  /// The first of these that is not the same on all ranks, to the bit; their
  /// number where there is none.
  size_t first_that_differs(const std::vector<torch::Tensor>& tensors) const;

  /// rows [n, N] of each rank: the columns of their sum that are this rank's,
  /// [n, c], zeros behind the last; c is the same on all ranks.
  torch::Tensor sum_own_columns(const torch::Tensor& rows) const;
  /// Of such columns of each rank: all [n, columns].
  torch::Tensor gather_columns(const torch::Tensor& own, int64_t columns) const;
  /// Sum of a matrix of numbers on the host.
  void sum(torch::Tensor& tensor) const {
    communicator_->sum(tensor);
  }

 private:
  template <typename Local>
  static std::exception_ptr failure_of(const Local& local) {
    try {
      local();
      return nullptr;
    } catch (...) {
      return std::current_exception();
    }
  }
  void sum_numbers(
      std::vector<double>& numbers, const std::exception_ptr& failed) const;
  [[noreturn]] void refuse(const std::exception_ptr& failed) const;
  void sum_gradients(
      const std::vector<torch::Tensor>& parameters,
      std::vector<double>& numbers,
      const std::exception_ptr& failed);

  std::shared_ptr<Communicator> communicator_;
  FlatGradients gradients_;
};

/// Whether so many ranks had the same whole number, from the sums of the
/// numbers and of their squares: the first alone may be that of other numbers.
inline bool are_same(double sum, double sum_of_squares, int64_t ranks) {
  return sum * sum == sum_of_squares * static_cast<double>(ranks);
}

} // namespace polytask::detail
