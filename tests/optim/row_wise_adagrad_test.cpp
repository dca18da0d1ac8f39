// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/optim/grad_scaler.h>
#include <polytask/optim/make_optimizer.h>
#include <polytask/optim/row_wise_adagrad.h>
#include <torch/nn/functional/embedding.h>
#include <torch/optim/adagrad.h>
#include <torch/optim/adam.h>
#include <torch/serialize.h>

#include <cmath>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::optim {
namespace {

using testing::error_of;
using testing::says;
using torch::optim::AdagradParamState;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

torch::Tensor table_of(int64_t rows, int64_t width, at::ScalarType dtype) {
  torch::manual_seed(3);
  return torch::randn({rows, width}, torch::kDouble).to(dtype).requires_grad_();
}

// Rows 1 and 4 come more than once, 0 and 5 never.
void give_embedding_gradient(const torch::Tensor& table, int64_t step) {
  const auto ids =
      torch::tensor(std::vector<int64_t>{1, 4, 2 + step % 2, 4, 1, 1});
  table.mutable_grad().reset();
  const auto rows = torch::embedding(
      table, ids, /*padding_idx=*/-1, /*scale_grad=*/false, /*sparse=*/true);
  const auto up = torch::sin(
                      torch::arange(rows.numel(), rows.options()) +
                      static_cast<double>(step))
                      .view_as(rows);
  (rows * up.detach()).sum().backward();
  ASSERT_TRUE(table.grad().is_sparse());
  ASSERT_FALSE(table.grad().is_coalesced());
}

const torch::Tensor& sum_of(
    RowWiseAdagrad& optimizer, const torch::Tensor& parameter) {
  return static_cast<const AdagradParamState&>(
             *optimizer.state().at(parameter.unsafeGetTensorImpl()))
      .sum();
}

// By the formula, number by number, in double.
struct PlainRows {
  torch::Tensor weights; // [N, d]
  std::vector<double> sums;
  int64_t steps = 0;

  void step(const torch::Tensor& dense, const RowWiseAdagradOptions& options) {
    const double rate =
        options.lr() / (1 + static_cast<double>(steps++) * options.lr_decay());
    const auto gradient = dense.to(torch::kDouble).contiguous();
    const auto g = gradient.accessor<double, 2>();
    auto w = weights.accessor<double, 2>();
    for (int64_t r = 0; r < g.size(0); ++r) {
      double mean = 0;
      for (int64_t j = 0; j < g.size(1); ++j) {
        mean += g[r][j] * g[r][j] / static_cast<double>(g.size(1));
      }
      double& sum = sums[static_cast<size_t>(r)];
      sum += mean;
      for (int64_t j = 0; j < g.size(1) && mean != 0; ++j) {
        w[r][j] -= rate * g[r][j] / (std::sqrt(sum) + options.eps());
      }
    }
  }
};

PlainRows plain_rows(
    const torch::Tensor& table, const RowWiseAdagradOptions& options) {
  return {
      table.detach().to(torch::kDouble).clone(),
      std::vector<double>(
          static_cast<size_t>(table.size(0)),
          options.initial_accumulator_value())};
}

struct RowCase {
  const char* name;
  at::ScalarType dtype;
  int64_t width;
  bool is_contiguous;
  double tolerance;
};

std::ostream& operator<<(std::ostream& stream, const RowCase& each) {
  return stream << each.name;
}

class RowWise : public ::testing::TestWithParam<RowCase> {
 protected:
  torch::Tensor table() const {
    const auto made = table_of(6, GetParam().width, GetParam().dtype);
    return GetParam().is_contiguous
        ? made
        : made.detach().t().contiguous().t().requires_grad_();
  }
};

TEST_P(RowWise, IsTheFormulaOverRepeatedRows) {
  const auto options = RowWiseAdagradOptions(0.3).lr_decay(0.1).eps(1e-4);
  for (const double start : {0.0, 0.25}) {
    const auto own =
        RowWiseAdagradOptions(options).initial_accumulator_value(start);
    const auto weights = table();
    ASSERT_EQ(weights.is_contiguous(), GetParam().is_contiguous);
    const auto before = weights.detach().clone();
    PlainRows plain = plain_rows(weights, own);
    RowWiseAdagrad optimizer({weights}, own);
    for (int64_t step = 0; step < 6; ++step) {
      give_embedding_gradient(weights, step);
      plain.step(weights.grad().to_dense(), own);
      optimizer.step();
    }
    const double near = GetParam().tolerance;
    EXPECT_TRUE(weights.detach()
                    .to(torch::kDouble)
                    .allclose(plain.weights, near, near));
    EXPECT_TRUE(
        sum_of(optimizer, weights)
            .to(torch::kDouble)
            .allclose(torch::tensor(plain.sums, torch::kDouble), near, near));
    for (const int64_t row : {0, 5}) {
      EXPECT_TRUE(weights[row].equal(before[row])) << "untouched";
    }
  }
}

TEST_P(RowWise, KeepsOneNumberForARow) {
  const auto weights = table();
  RowWiseAdagrad optimizer({weights}, 0.1);
  give_embedding_gradient(weights, 0);
  optimizer.step();
  const auto& sum = sum_of(optimizer, weights);
  EXPECT_EQ(sum.sizes(), torch::IntArrayRef({6}));
  EXPECT_EQ(
      sum.scalar_type(),
      GetParam().dtype == torch::kBFloat16 ? torch::kFloat : GetParam().dtype);
  EXPECT_FALSE(sum.requires_grad());
}

TEST_P(RowWise, TakesALaterDenseGradientByRows) {
  const auto sparse = table();
  const auto dense = table();
  RowWiseAdagrad by_sparse({sparse}, 0.1);
  RowWiseAdagrad by_dense({dense}, 0.1);
  for (int64_t step = 0; step < 4; ++step) {
    give_embedding_gradient(sparse, step);
    give_embedding_gradient(dense, step);
    if (step > 0) {
      dense.mutable_grad() = dense.grad().to_dense();
    }
    by_sparse.step();
    by_dense.step();
  }
  const double near = GetParam().tolerance;
  EXPECT_TRUE(sparse.detach().slice(0, 1, 5).allclose(
      dense.detach().slice(0, 1, 5), near, near));
  EXPECT_EQ(sum_of(by_dense, dense).dim(), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Tables,
    RowWise,
    ::testing::Values(
        RowCase{"Double", torch::kDouble, 5, true, 1e-12},
        RowCase{"Float", torch::kFloat, 37, true, 1e-6},
        RowCase{"OfOneColumn", torch::kDouble, 1, true, 1e-12},
        RowCase{"WithGaps", torch::kDouble, 5, false, 1e-12},
        RowCase{"BFloat16", torch::kBFloat16, 5, true, 0.1}),
    [](const auto& each) { return each.param.name; });

TEST(RowWiseAdagrad, TakesTablesOfMatrices) {
  const auto weights = torch::arange(24, torch::kDouble)
                           .view({4, 2, 3})
                           .clone()
                           .requires_grad_();
  const auto start = weights.detach().clone();
  const auto values = torch::arange(1, 13, torch::kDouble).view({2, 2, 3});
  weights.mutable_grad() = torch::sparse_coo_tensor(
      torch::tensor({{3, 1}}, torch::kLong), values, {4, 2, 3});
  RowWiseAdagrad optimizer({weights}, RowWiseAdagradOptions(1).eps(0));
  optimizer.step();
  for (const int64_t i : {0, 1}) {
    const int64_t row = i == 0 ? 3 : 1;
    const auto change = values[i] / values[i].square().mean().sqrt();
    EXPECT_TRUE(
        weights.detach()[row].allclose(start[row] - change, 1e-12, 1e-12));
  }
  EXPECT_TRUE(weights.detach()[0].equal(start[0]));
}

TEST(RowWiseAdagrad, TakesSparseVectorsAndGradientsOfNoRow) {
  const auto vector = torch::ones({3}, torch::kDouble).requires_grad_();
  const auto table = table_of(6, 2, torch::kDouble);
  const auto before = table.detach().clone();
  vector.mutable_grad() = torch::sparse_coo_tensor(
      torch::tensor({{1, 1}}, torch::kLong),
      torch::tensor({1.0, 1.0}, torch::kDouble),
      {3});
  table.mutable_grad() = torch::sparse_coo_tensor(
      torch::empty({1, 0}, torch::kLong),
      torch::empty({0, 2}, torch::kDouble),
      {6, 2});
  RowWiseAdagrad optimizer({vector, table}, RowWiseAdagradOptions(0.5).eps(0));
  optimizer.step();
  EXPECT_TRUE(
      vector.detach().equal(torch::tensor({1.0, 0.5, 1.0}, torch::kDouble)));
  EXPECT_TRUE(table.detach().equal(before));
}

void step_by_cubes(
    torch::optim::Optimizer& optimizer, const torch::Tensor& parameter) {
  parameter.mutable_grad() = parameter.detach().pow(3) - 1;
  optimizer.step();
}

TEST(RowWiseAdagrad, IsLibTorchsAdagradOnDenseGradients) {
  const auto options = RowWiseAdagradOptions(0.2)
                           .lr_decay(0.05)
                           .weight_decay(0.1)
                           .initial_accumulator_value(0.3)
                           .eps(1e-5);
  const auto own = table_of(4, 3, torch::kDouble);
  const auto theirs = table_of(4, 3, torch::kDouble);
  RowWiseAdagrad optimizer({own}, options);
  torch::optim::Adagrad adagrad({theirs}, options);
  for (int step = 0; step < 5; ++step) {
    step_by_cubes(optimizer, own);
    step_by_cubes(adagrad, theirs);
  }
  EXPECT_TRUE(own.detach().allclose(theirs.detach(), 1e-12, 1e-12));
}

TEST(RowWiseAdagrad, IsLibTorchsAdagradOnASparseGradientAfterADenseOne) {
  const auto own = table_of(6, 3, torch::kDouble);
  const auto theirs = table_of(6, 3, torch::kDouble);
  RowWiseAdagrad optimizer({own}, 0.2);
  torch::optim::Adagrad adagrad({theirs}, 0.2);
  step_by_cubes(optimizer, own);
  step_by_cubes(adagrad, theirs);
  for (int64_t step = 0; step < 3; ++step) {
    give_embedding_gradient(own, step);
    give_embedding_gradient(theirs, step);
    optimizer.step();
    adagrad.step();
  }
  EXPECT_TRUE(own.detach().allclose(theirs.detach(), 1e-12, 1e-12));
  EXPECT_EQ(sum_of(optimizer, own).sizes(), own.sizes());
}

TEST(RowWiseAdagrad, PassesOverWhatHasNoGradient) {
  const auto idle = table_of(4, 3, torch::kFloat);
  const auto frozen = table_of(6, 3, torch::kFloat);
  const auto table = table_of(6, 3, torch::kFloat);
  const auto before = idle.detach().clone();
  RowWiseAdagrad optimizer({idle, frozen, table}, 0.1);
  frozen.requires_grad_(false);
  give_embedding_gradient(table, 0);
  optimizer.step();
  EXPECT_TRUE(idle.detach().equal(before));
  EXPECT_FALSE(frozen.grad().defined());
  EXPECT_EQ(optimizer.state().size(), 1U);
}

TEST(RowWiseAdagrad, ReturnsTheLossOfItsClosure) {
  const auto table = table_of(6, 3, torch::kFloat);
  RowWiseAdagrad optimizer({table}, 0.1);
  const auto before = table.detach().clone();
  const auto loss = optimizer.step([&] {
    auto value = table.square().sum();
    value.backward();
    return value;
  });
  EXPECT_TRUE(loss.detach().allclose(before.square().sum()));
  EXPECT_FALSE(table.detach().equal(before));
}

TEST(RowWiseAdagrad, KeepsTheOptionsOfGroups) {
  const auto table = table_of(6, 3, torch::kFloat);
  const auto weight = table_of(3, 3, torch::kFloat);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<torch::Tensor>{table});
  groups.emplace_back(
      std::vector<torch::Tensor>{weight},
      RowWiseAdagradOptions().weight_decay(0.5).clone());
  RowWiseAdagrad optimizer(groups, RowWiseAdagradOptions(0.3).eps(1e-6));
  const auto& own = dynamic_cast<const RowWiseAdagradOptions&>(
      optimizer.param_groups()[1].options());
  EXPECT_EQ(own.weight_decay(), 0.5);
  EXPECT_EQ(own.lr(), 0.3);
  EXPECT_EQ(own.eps(), 1e-6);
  give_embedding_gradient(table, 0);
  weight.mutable_grad() = torch::ones({3, 3});
  EXPECT_NO_THROW(optimizer.step());
}

TEST(RowWiseAdagrad, GoesOnToTheBitAfterSavingAndLoading) {
  const auto table = table_of(6, 5, torch::kFloat);
  const auto weight = table_of(3, 3, torch::kFloat);
  const auto options = RowWiseAdagradOptions(0.2).lr_decay(0.1);
  RowWiseAdagrad optimizer({table, weight}, options);
  const auto steps = [](RowWiseAdagrad& stepped,
                        const torch::Tensor& sparse,
                        const torch::Tensor& dense,
                        int64_t begin) {
    for (int64_t step = begin; step < begin + 3; ++step) {
      give_embedding_gradient(sparse, step);
      step_by_cubes(stepped, dense);
    }
  };
  steps(optimizer, table, weight, 0);
  std::stringstream file;
  torch::save(optimizer, file);

  const auto table_twin = table.detach().clone().requires_grad_();
  const auto weight_twin = weight.detach().clone().requires_grad_();
  RowWiseAdagrad twin({table_twin, weight_twin}, 0.7);
  steps(twin, table_twin, weight_twin, 5); // all of it to be forgotten
  {
    const torch::NoGradGuard no_grad;
    table_twin.copy_(table);
    weight_twin.copy_(weight);
  }
  torch::load(twin, file);
  EXPECT_EQ(twin.param_groups()[0].options().get_lr(), 0.2);
  steps(optimizer, table, weight, 3);
  steps(twin, table_twin, weight_twin, 3);
  EXPECT_TRUE(table.detach().equal(table_twin.detach()));
  EXPECT_TRUE(weight.detach().equal(weight_twin.detach()));
}

TEST(RowWiseAdagrad, ForgetsWhatAnArchiveHasNoneOf) {
  const auto table = table_of(6, 5, torch::kFloat);
  RowWiseAdagrad optimizer({table}, 0.2);
  std::stringstream file;
  torch::save(optimizer, file);
  give_embedding_gradient(table, 0);
  optimizer.step();
  torch::load(optimizer, file);
  EXPECT_TRUE(optimizer.state().empty());
}

TEST(RowWiseAdagrad, GoesOnWhereItsParametersHaveAnotherDtype) {
  auto table = table_of(6, 5, torch::kFloat);
  RowWiseAdagrad optimizer({table}, 0.2);
  give_embedding_gradient(table, 0);
  optimizer.step();
  table.mutable_grad().reset();
  table.set_data(table.detach().to(torch::kDouble));
  give_embedding_gradient(table, 1);
  optimizer.step();
  EXPECT_EQ(sum_of(optimizer, table).scalar_type(), torch::kDouble);
}

TEST(RowWiseAdagrad, RefusesOtherArchivesWithNothingChanged) {
  const auto table = table_of(6, 5, torch::kFloat);
  const auto more = table_of(7, 5, torch::kFloat);
  RowWiseAdagrad optimizer({table}, 0.2);
  RowWiseAdagrad other({more}, 0.4);
  torch::optim::Adam adam({table}, 0.4);
  for (int64_t step = 0; step < 2; ++step) {
    give_embedding_gradient(table, step);
    give_embedding_gradient(more, step);
    optimizer.step();
    other.step();
  }
  step_by_cubes(adam, table);
  const auto sum = sum_of(optimizer, table).clone();
  std::stringstream of_other, of_adam;
  torch::save(other, of_other);
  torch::save(adam, of_adam);
  EXPECT_TRUE(says(
      error_of([&] { torch::load(optimizer, of_other); }),
      {"RowWiseAdagrad: parameter 0 of group 0, of shape [6, 5]",
       "sums of shape [7]"}));
  EXPECT_NE(error_of([&] { torch::load(optimizer, of_adam); }), "");
  EXPECT_TRUE(sum_of(optimizer, table).equal(sum));
  EXPECT_EQ(optimizer.param_groups()[0].options().get_lr(), 0.2);
}

TEST(RowWiseAdagrad, LetsNaNOfARowStayInThatRow) {
  for (const double bad : {kNan, kInfinity}) {
    const auto table = table_of(6, 4, torch::kFloat);
    const auto values = torch::ones({2, 4});
    values[0][2] = bad;
    table.mutable_grad() = torch::sparse_coo_tensor(
        torch::tensor({{1, 3}}, torch::kLong), values, {6, 4});
    RowWiseAdagrad({table}, 0.1).step();
    const auto finite = table.detach().isfinite().all(1);
    EXPECT_EQ(finite.sum().item<int64_t>(), 5);
    EXPECT_FALSE(finite[1].item<bool>());
  }
}

TEST(RowWiseAdagrad, IsLeftOutByAScalerWhereAGradientIsInfinite) {
  const auto table = table_of(6, 4, torch::kFloat);
  RowWiseAdagrad optimizer({table}, 0.1);
  GradScaler scaler;
  scaler.scale(torch::ones({}));
  const auto before = table.detach().clone();
  for (const bool is_finite : {false, true}) {
    give_embedding_gradient(table, 0);
    table.mutable_grad() = table.grad() * (is_finite ? 2.0F : INFINITY);
    scaler.step(optimizer);
    scaler.update();
    EXPECT_EQ(table.detach().equal(before), !is_finite);
  }
}

TEST(RowWiseAdagrad, RefusesBadOptionsByName) {
  const auto table = table_of(6, 4, torch::kFloat);
  const auto refused = [&](const RowWiseAdagradOptions& options) {
    return error_of([&] { RowWiseAdagrad({table}, options); });
  };
  using Options = RowWiseAdagradOptions;
  EXPECT_TRUE(says(
      refused(Options(-1)),
      {"RowWiseAdagrad: expected a finite lr of at least 0, but got -1"}));
  EXPECT_TRUE(says(refused(Options(kNan)), {"finite lr of"}));
  EXPECT_TRUE(says(refused(Options().lr_decay(-1)), {"finite lr_decay of"}));
  EXPECT_TRUE(
      says(refused(Options().weight_decay(-1)), {"finite weight_decay of"}));
  EXPECT_TRUE(says(
      refused(Options().initial_accumulator_value(-1)),
      {"finite initial_accumulator_value of"}));
  EXPECT_TRUE(says(refused(Options().eps(-1)), {"finite eps of"}));
  EXPECT_TRUE(says(refused(Options().eps(kInfinity)), {"finite eps of"}));
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(
      std::vector<torch::Tensor>{table}, Options().eps(-2).clone());
  EXPECT_TRUE(
      says(error_of([&] { RowWiseAdagrad{groups}; }), {"eps", "got -2"}));
}

// The first parameter would have moved.
std::string step_error(
    const torch::Tensor& parameter,
    const torch::Tensor& gradient,
    const RowWiseAdagradOptions& options = {}) {
  const auto first = table_of(2, 2, torch::kFloat);
  const auto start = first.detach().clone();
  const auto before = parameter.detach().clone();
  first.mutable_grad() = torch::ones({2, 2});
  parameter.mutable_grad() = gradient;
  RowWiseAdagrad optimizer({first, parameter}, options);
  const auto error = error_of([&] { optimizer.step(); });
  EXPECT_TRUE(first.detach().equal(start));
  EXPECT_TRUE(parameter.detach().equal(before));
  EXPECT_TRUE(optimizer.state().empty());
  return error;
}

TEST(RowWiseAdagrad, RefusesGradientsByNameWithNothingChanged) {
  const auto table = table_of(6, 4, torch::kFloat);
  const auto rows = torch::tensor({{1, 3}}, torch::kLong);
  const auto sparse =
      torch::sparse_coo_tensor(rows, torch::ones({2, 4}), {6, 4});
  EXPECT_TRUE(says(
      step_error(table, sparse, RowWiseAdagradOptions().weight_decay(0.1)),
      {"parameter 1 of group 0, of shape [6, 4],",
       "has a sparse gradient",
       "weight decay"}));
  EXPECT_TRUE(says(
      step_error(table, torch::ones({6, 4}).to_sparse()),
      {"2 sparse dimensions", "of whole rows"}));
  EXPECT_TRUE(
      says(step_error(table, torch::ones({6, 4}).to_sparse_csr()), {"layout"}));
  EXPECT_TRUE(says(
      step_error(
          table,
          torch::_sparse_coo_tensor_unsafe(
              rows + 4, torch::ones({2, 4}), {6, 4})),
      {"rows that it has not"}));
  const auto complex = torch::zeros({2}, torch::kComplexFloat);
  EXPECT_TRUE(says(
      step_error(complex.requires_grad_(), torch::ones_like(complex)),
      {"complex numbers"}));
}

TEST(RowWiseAdagrad, RefusesWeightDecayOfWhatItStepsByRows) {
  const auto table = table_of(6, 4, torch::kFloat);
  RowWiseAdagrad optimizer({table}, 0.1);
  give_embedding_gradient(table, 0);
  optimizer.step();
  dynamic_cast<RowWiseAdagradOptions&>(optimizer.param_groups()[0].options())
      .weight_decay(0.1);
  table.mutable_grad() = torch::ones({6, 4});
  EXPECT_TRUE(says(
      error_of([&] { optimizer.step(); }),
      {"is stepped by rows", "weight decay"}));
}

TEST(RowWiseAdagrad, RefusesStateOfAnotherShape) {
  const auto table = table_of(6, 4, torch::kFloat);
  RowWiseAdagrad optimizer({table}, 0.1);
  auto state = std::make_unique<AdagradParamState>();
  state->sum(torch::zeros({4}));
  optimizer.state()[table.unsafeGetTensorImpl()] = std::move(state);
  give_embedding_gradient(table, 0);
  EXPECT_TRUE(says(
      error_of([&] { optimizer.step(); }), {"[6, 4]", "sums of shape [4]"}));
}

} // namespace
} // namespace polytask::optim
