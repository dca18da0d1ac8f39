// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>
#include <polytask/balancing/gramian_balancing.h>
#include <polytask/balancing/jacobian_balancing.h>
#include <polytask/balancing/make.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/jacobians.h"

// Methods near Pareto stationarity, where trainings end: an exact solution of
// rows that are known to their rounding only is no answer. With
// POLYTASK_STABILITY_TABLE set, ten times as many matrices, and a table.

namespace polytask {
namespace {

using balancing::Balancing;
using balancing::Extras;
using balancing::make;
using balancing::OptionValues;
using testing::JacobianShape;
using testing::RowsAre;
using testing::sample_jacobian;
using testing::sample_order;

/// The longest update that a method promises, given the rows' lengths, the mean
/// row's and the number of tasks.
using Longest = double (*)(const at::Tensor& jacobian);

struct StableMethod {
  const char* label;
  const char* name;
  OptionValues options;
  /// All gradients s times as long make the update s^degree times as long.
  int degree = 1;
  bool is_harmless = false;
  Longest longest = nullptr;
  /// The extra by which it is told in which order tasks meet.
  const char* orders = nullptr;
};

double shortest_row(const at::Tensor& jacobian) {
  return jacobian.norm(2, 1).min().item<double>();
}
double mean_row(const at::Tensor& jacobian) {
  return jacobian.mean(0).norm().item<double>();
}
double mean_length(const at::Tensor& jacobian) {
  return jacobian.norm(2, 1).mean().item<double>();
}
double all_lengths(const at::Tensor& jacobian) {
  return jacobian.norm(2, 1).sum().item<double>();
}
double root_of_tasks(const at::Tensor& jacobian) {
  return std::sqrt(static_cast<double>(jacobian.size(0)));
}

const StableMethod kStableMethods[] = {
    {"upgrad", "upgrad", {}, 1, true, mean_length},
    {"dualproj", "dualproj", {}, 1, true, mean_row},
    {"mgda", "mgda", {}, 1, true, shortest_row},
    {"cagrad",
     "cagrad",
     {{"c", 0.5}},
     1,
     false,
     [](const at::Tensor& jacobian) { return 1.5 * mean_row(jacobian); }},
    {"cagrad_c1",
     "cagrad",
     {{"c", 1.0}},
     1,
     true,
     [](const at::Tensor& jacobian) { return 2 * mean_row(jacobian); }},
    {"nash_mtl", "nash_mtl", {{"max_norm", 0.0}}, 0, true, root_of_tasks},
    {"fairgrad", "fairgrad", {{"alpha", 1.0}}, 0, true, root_of_tasks},
    {"imtl_g", "imtl_g", {}},
    {"aligned_mtl",
     "aligned_mtl",
     {},
     1,
     false,
     [](const at::Tensor& jacobian) {
       return jacobian.norm().item<double>() / root_of_tasks(jacobian);
     }},
    {"aligned_rmse",
     "aligned_mtl",
     {{"scale_mode", "rmse"}},
     1,
     false,
     [](const at::Tensor& jacobian) {
       return jacobian.norm().item<double>() / root_of_tasks(jacobian);
     }},
    {"config", "config", {}, 1, false, all_lengths},
    {"pcgrad", "pcgrad", {}, 1, false, all_lengths, "permutations"},
    {"gradvac", "gradvac", {}, 1, false, nullptr, "orders"},
    {"sdmgrad", "sdmgrad", {{"eps", 0.0}}, 1, false, all_lengths},
};

void PrintTo(const StableMethod& method, std::ostream* stream) {
  *stream << method.label;
}

enum class Way { kDirection, kWeights };

constexpr JacobianShape kShapes[] = {
    {5, 3, 3}, {6, 4, 3}, {8, 5, 5}, {20, 10, 10}, {4, 100, 3}, {3, 40, 2}};
constexpr RowsAre kRows[] = {
    RowsAre::kNormal,
    RowsAre::kStronglyStationary,
    RowsAre::kWeaklyStationary,
    RowsAre::kNotStationary};
constexpr double kScales[] = {1, 1e-10, 1e15};

/// The Gramian of a Jacobian as a user has it, of its dtype.
at::Tensor gramian_of_rows(const at::Tensor& jacobian) {
  return at::mm(jacobian, jacobian.t());
}

class Subject {
 public:
  Subject(const StableMethod& method, Way way) : method_(method), way_(way) {}

  /// The update in double for rows in an order, which the method is not to see.
  at::Tensor update(const at::Tensor& jacobian, const at::Tensor& order) const {
    const at::Tensor rows = jacobian.index_select(0, order);
    Extras extras = {
        {"jacobian_1", rows}, {"jacobian_2", rows}, {"jacobian_3", rows}};
    if (method_.orders) {
      extras[method_.orders] = orders_among(order);
    }
    const auto made = make(method_.name, method_.options);
    if (made->reads() != balancing::Reads::kGramian) {
      return static_cast<balancing::JacobianBalancing&>(*made)
          .direction(rows, extras)
          .to(at::kDouble);
    }
    auto& method = static_cast<balancing::GramianBalancing&>(*made);
    if (way_ == Way::kDirection || !method.is_symmetric()) {
      return method.direction(rows, extras).to(at::kDouble);
    }
    const at::Tensor weights = method.weights(gramian_of_rows(rows), extras);
    return at::mv(rows.to(at::kDouble).t(), weights.to(at::kDouble));
  }

 private:
  // Task k meets the others in the order of k, k + 1, ... of the rows as they
  // were.
  static at::Tensor orders_among(const at::Tensor& order) {
    const int64_t count = order.size(0);
    const at::Tensor place = order.argsort();
    std::vector<at::Tensor> orders;
    for (int64_t i = 0; i < count; ++i) {
      orders.push_back(place.index_select(
          0, (at::arange(count, at::kLong) + order[i]) % count));
    }
    return at::stack(orders);
  }

  const StableMethod& method_;
  Way way_;
};

struct Worst {
  int64_t matrices = 0;
  /// By how much the order of rows, or a scale by a power of two, changes the
  /// update, by the Jacobian's length (or √T for methods whose update has one
  /// of its own).
  double order = 0;
  double scale = 0;
  /// How much of a task's gradient, as a unit vector, the update goes against.
  double harm = 0;
  /// The update's length by the Jacobian's, and by what was promised.
  double length = 0;
  double promised = 0;
  bool is_finite = true;

  void add(const Worst& one) {
    matrices += one.matrices;
    order = std::max(order, one.order);
    scale = std::max(scale, one.scale);
    harm = std::max(harm, one.harm);
    length = std::max(length, one.length);
    promised = std::max(promised, one.promised);
    is_finite = is_finite && one.is_finite;
  }
};

Worst measured(
    const StableMethod& method,
    Way way,
    const at::Tensor& jacobian,
    uint64_t seed) {
  const Subject subject(method, way);
  const at::Tensor rows = jacobian.to(at::kDouble);
  const int64_t tasks = rows.size(0);
  const at::Tensor update =
      subject.update(jacobian, at::arange(tasks, at::kLong));
  Worst worst;
  worst.matrices = 1;
  worst.is_finite = at::isfinite(update).all().item<bool>();
  const double size = rows.norm().item<double>();
  const double unit = method.degree == 1 ? size : root_of_tasks(rows);
  const auto length_of = [&](const at::Tensor& vector) {
    return vector.norm().item<double>() / unit;
  };
  worst.order =
      length_of(subject.update(jacobian, sample_order(tasks, seed)) - update);
  const double factor = size > 1 ? 0x1p-7 : 0x1p7;
  worst.scale = length_of(
      subject.update(factor * jacobian, at::arange(tasks, at::kLong)) /
          std::pow(factor, method.degree) -
      update);
  const at::Tensor units = rows / rows.norm(2, 1, true);
  worst.harm = -at::mv(units, update).min().item<double>() / unit;
  worst.length = length_of(update);
  if (method.longest) {
    worst.promised = update.norm().item<double>() / method.longest(rows);
  }
  return worst;
}

int64_t rounds() {
  return std::getenv("POLYTASK_STABILITY_TABLE") ? 30 : 3;
}

Worst worst_of(const StableMethod& method, Way way, at::ScalarType type) {
  Worst worst;
  uint64_t seed = 0;
  for (int64_t round = 0; round < rounds(); ++round) {
    for (const auto& shape : kShapes) {
      for (const auto rows : kRows) {
        for (const double scale : kScales) {
          ++seed;
          worst.add(measured(
              method,
              way,
              sample_jacobian(rows, shape, type, scale, seed),
              seed));
        }
      }
    }
  }
  return worst;
}

/// What a method may lose: the root of four times the rounding of the rows, by
/// which weights are bounded, and what the update's own dtype rounds.
double loss_of(at::ScalarType type, Way way) {
  switch (type) {
    case at::kDouble:
      return 1e-4;
    case at::kFloat:
      return way == Way::kDirection ? 1e-3 : 1e-2;
    default:
      return 0.2;
  }
}

void print_stability(
    const StableMethod& method, Way way, at::ScalarType type, const Worst& w) {
  std::cout << "| " << method.label << " | "
            << (way == Way::kDirection ? "direction" : "weights") << " | "
            << c10::toString(type) << " | " << w.matrices << " | " << w.order
            << " | " << w.scale << " | " << (method.is_harmless ? "" : "(")
            << w.harm << (method.is_harmless ? "" : ")") << " | " << w.length
            << " | " << w.promised << " |" << std::endl;
}

class NearStationarity : public ::testing::TestWithParam<StableMethod> {
 protected:
  void expect_stable(at::ScalarType type, Way way) {
    const auto& method = GetParam();
    const Worst worst = worst_of(method, way, type);
    if (std::getenv("POLYTASK_STABILITY_TABLE")) {
      print_stability(method, way, type, worst);
    }
    // Weights that grow like one over the root of the rounding.
    const double loss = loss_of(type, way) * (method.degree == 0 ? 3 : 1);
    EXPECT_TRUE(worst.is_finite);
    EXPECT_LE(worst.order, loss);
    EXPECT_LE(worst.scale, loss);
    if (method.is_harmless) {
      EXPECT_LE(worst.harm, loss);
    }
    if (method.longest) {
      EXPECT_LE(worst.promised, 1 + loss);
    }
  }
};

TEST_P(NearStationarity, DirectionsOfFloatRowsAreStable) {
  expect_stable(at::kFloat, Way::kDirection);
}

TEST_P(NearStationarity, DirectionsOfDoubleRowsAreStable) {
  expect_stable(at::kDouble, Way::kDirection);
}

TEST_P(NearStationarity, DirectionsOfBfloat16RowsAreStable) {
  expect_stable(at::kBFloat16, Way::kDirection);
}

TEST_P(NearStationarity, WeightsOfFloatGramiansAreStable) {
  expect_stable(at::kFloat, Way::kWeights);
}

TEST_P(NearStationarity, WeightsOfDoubleGramiansAreStable) {
  expect_stable(at::kDouble, Way::kWeights);
}

TEST_P(NearStationarity, WeightsOfBfloat16GramiansAreStable) {
  expect_stable(at::kBFloat16, Way::kWeights);
}

std::string stable_name(const ::testing::TestParamInfo<StableMethod>& info) {
  return info.param.label;
}

INSTANTIATE_TEST_SUITE_P(
    Methods,
    NearStationarity,
    ::testing::ValuesIn(kStableMethods),
    stable_name);

} // namespace
} // namespace polytask
