// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian/trimmed_mean.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/sort.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <vector>

#include "../checks.h"
#include "../describe.h"

namespace polytask::balancing {

namespace {

// Of a block of columns, few enough for a core's cache.
constexpr size_t kColumns = 64;

template <typename Scalar>
using Row = std::array<Scalar, kColumns>;

template <typename Scalar>
void put_in_order(Row<Scalar>& low, Row<Scalar>& high) {
  for (size_t column = 0; column < kColumns; ++column) {
    const Scalar a = low[column];
    const Scalar b = high[column];
    low[column] = a < b ? a : b;
    high[column] = a < b ? b : a;
  }
}

// In each column, the smallest to the front and the largest to the end: cheaper
// than sorting all of it.
template <typename Scalar>
void move_extremes(std::vector<Row<Scalar>>& rows, size_t trim) {
  for (size_t done = 0; done < trim; ++done) {
    for (size_t i = rows.size() - 1 - done; i > done; --i) {
      put_in_order(rows[i - 1], rows[i]);
    }
    for (size_t i = done + 1; i + 1 < rows.size() - done; ++i) {
      put_in_order(rows[i], rows[i + 1]);
    }
  }
}

template <typename Scalar>
at::Tensor trimmed_mean(const at::Tensor& jacobian, size_t trim) {
  const auto tasks = static_cast<size_t>(jacobian.size(0));
  const auto columns = static_cast<size_t>(jacobian.size(1));
  at::Tensor mean = at::empty({jacobian.size(1)}, jacobian.options());
  const auto* values = jacobian.const_data_ptr<Scalar>();
  auto* means = mean.mutable_data_ptr<Scalar>();
  const Scalar part = Scalar(1) / static_cast<Scalar>(tasks - 2 * trim);
  std::vector<Row<Scalar>> rows(tasks, Row<Scalar>{});
  for (size_t begin = 0; begin < columns; begin += kColumns) {
    const size_t count = std::min(kColumns, columns - begin);
    for (size_t i = 0; i < tasks; ++i) {
      std::copy_n(values + i * columns + begin, count, rows[i].begin());
    }
    move_extremes(rows, trim);
    Row<Scalar> sum{};
    for (size_t i = trim; i < tasks - trim; ++i) {
      for (size_t column = 0; column < kColumns; ++column) {
        sum[column] += rows[i][column];
      }
    }
    for (size_t column = 0; column < count; ++column) {
      means[begin + column] = sum[column] * part;
    }
  }
  return mean;
}

} // namespace

TrimmedMean::TrimmedMean(TrimmedMeanOptions options) : options_(options) {
  check_options();
}

const detail::Description& TrimmedMean::description() {
  using namespace detail;
  static const Description made =
      Describe<TrimmedMeanOptions>("trimmed_mean", "TrimmedMean")
          .option("trim", &TrimmedMeanOptions::trim, at_least(0), "t")
          .or_by("trim_number")
          .made_of(&TrimmedMean::options_);
  return made;
}

void TrimmedMean::check_tasks(int64_t tasks) const {
  TORCH_CHECK_VALUE(
      tasks > 2 * options_.trim(),
      name(),
      ": expected at least ",
      2 * options_.trim() + 1,
      " tasks to leave out ",
      options_.trim(),
      " at each end, but got ",
      tasks,
      ".");
}

at::Tensor TrimmedMean::combine(
    const at::Tensor& jacobian, const Extras& /*extras*/) {
  // Of the few tasks of a step some have to stay.
  const int64_t trim = std::min(options_.trim(), (tasks() - 1) / 2);
  if (jacobian.device().is_cpu() && jacobian.scalar_type() == at::kFloat) {
    return trimmed_mean<float>(
        jacobian.contiguous(), static_cast<size_t>(trim));
  }
  if (jacobian.device().is_cpu() && jacobian.scalar_type() == at::kDouble) {
    return trimmed_mean<double>(
        jacobian.contiguous(), static_cast<size_t>(trim));
  }
  const auto [sorted, order] = at::sort(jacobian, 0);
  return sorted.narrow(0, trim, tasks() - 2 * trim).mean(0);
}

} // namespace polytask::balancing
