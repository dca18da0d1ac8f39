// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/golden_objective.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace polytask::testing {

using nlohmann::json;

namespace {

constexpr double kFeasible = 1e-9;

double option(
    const GoldenCase& golden, const std::string& name, double otherwise) {
  const auto found = golden.options.find(name);
  return found == golden.options.end() ? otherwise : *found->second.number();
}

bool on_simplex(const at::Tensor& weights) {
  return weights.min().item<double>() >= -kFeasible &&
      std::abs(weights.sum().item<double>() - 1) <= kFeasible;
}

std::optional<double> squared_length(
    const at::Tensor& gramian, const at::Tensor& weights) {
  if (!on_simplex(weights)) {
    return std::nullopt;
  }
  return at::dot(weights, at::mv(gramian, weights)).item<double>();
}

/// <g_w, g_0> + c |g_0| |g_w|, w from its share in the weights.
std::optional<double> cagrad_objective(
    const GoldenCase& golden,
    const at::Tensor& gramian,
    const at::Tensor& weights) {
  const bool is_libmtl = golden.method == "cagrad_libmtl";
  const double c = option(golden, is_libmtl ? "calpha" : "c", 0.5);
  const double rescale = is_libmtl ? option(golden, "rescale", 1) : 0;
  const double divisor = rescale == 1 ? 1 + c * c : rescale == 2 ? 1 + c : 1;
  const at::Tensor mean =
      at::full_like(weights, 1 / static_cast<double>(weights.numel()));
  const at::Tensor share = weights * divisor - mean;
  const double total = share.sum().item<double>();
  if (!(std::abs(total) > kFeasible)) {
    return std::nullopt;
  }
  const at::Tensor inner = share / total;
  const auto square = squared_length(gramian, inner);
  if (!square) {
    return std::nullopt;
  }
  const at::Tensor products = at::mv(gramian, mean);
  return at::dot(inner, products).item<double>() +
      c * std::sqrt(at::dot(mean, products).item<double>() * *square);
}

/// vᵀ G' v, v >= u.
std::optional<double> dual_objective(
    const GoldenCase& golden,
    const at::Tensor& gramian,
    const at::Tensor& weights) {
  const double trace = gramian.trace().item<double>();
  const auto preference = golden.options.find("pref_vector");
  const at::Tensor bound = preference == golden.options.end()
      ? at::full_like(weights, 1 / static_cast<double>(weights.numel()))
      : at::tensor(*preference->second.numbers(), at::kDouble);
  if (!((weights - bound).min().item<double>() >= -kFeasible)) {
    return std::nullopt;
  }
  at::Tensor matrix = trace < option(golden, "norm_eps", 1e-4)
      ? at::zeros_like(gramian)
      : gramian / trace;
  matrix = matrix +
      option(golden, "reg_eps", 1e-4) *
          at::eye(gramian.size(0), gramian.options());
  return at::dot(weights, at::mv(matrix, weights)).item<double>();
}

/// |G w - w^(-1/α)|, w > 0.
std::optional<double> fair_objective(
    const GoldenCase& golden,
    const at::Tensor& gramian,
    const at::Tensor& weights) {
  const double alpha = option(golden, "alpha", 1);
  if (!(weights.min().item<double>() > 0) || alpha == 0) {
    return std::nullopt;
  }
  return (at::mv(gramian, weights) - at::pow(weights, -1 / alpha))
      .norm()
      .item<double>();
}

/// |Σ w_i g_i / n_i|², w on the simplex; the multipliers are w_i / n_i.
std::optional<double> normalised_objective(
    const GoldenCase& golden,
    const json& step,
    const at::Tensor& gramian,
    const at::Tensor& multipliers) {
  const auto found = golden.options.find("mgda_gn");
  const std::string kind =
      found == golden.options.end() ? "none" : *found->second.word();
  at::Tensor norms = at::full_like(multipliers, 1);
  if (kind == "l2" || kind == "loss+") {
    norms = norms * at::sqrt(gramian.diagonal());
  }
  if (kind == "loss" || kind == "loss+") {
    norms = norms * golden_tensor(step["losses"]);
  }
  if (!on_simplex(multipliers * norms)) {
    return std::nullopt;
  }
  return at::dot(multipliers, at::mv(gramian, multipliers)).item<double>();
}

std::optional<double> objective(
    const GoldenCase& golden, const json& step, const Outputs& outputs) {
  const auto found = outputs.find("weights");
  if (found == outputs.end() || !step.contains("jacobian")) {
    return std::nullopt;
  }
  const at::Tensor jacobian = golden_tensor(step["jacobian"]);
  const at::Tensor gramian = jacobian.mm(jacobian.t());
  const at::Tensor weights = found->second.to(at::kDouble);
  if (weights.numel() != jacobian.size(0)) {
    return std::nullopt;
  }
  const auto gradient = outputs.find("gradient");
  if (gradient != outputs.end() &&
      !at::allclose(
          gradient->second.reshape({-1}),
          at::mv(jacobian.t(), weights),
          1e-9,
          1e-9)) {
    return std::nullopt;
  }
  const auto& method = golden.method;
  if (method == "mgda") {
    return squared_length(gramian, weights);
  }
  if (method == "mgda_libmtl") {
    return normalised_objective(golden, step, gramian, weights);
  }
  if (method == "cagrad" || method == "cagrad_libmtl") {
    return cagrad_objective(golden, gramian, weights);
  }
  if (method == "dualproj") {
    return dual_objective(golden, gramian, weights);
  }
  if (method == "fairgrad") {
    return fair_objective(golden, gramian, weights);
  }
  return std::nullopt;
}

} // namespace

bool reaches_objective(
    const GoldenCase& golden, const json& step, const Outputs& outputs) {
  const json& optimum = step["optimum"];
  if (!optimum.contains("objective") ||
      !optimum.contains("reference_objective")) {
    return false;
  }
  const auto reached = objective(golden, step, outputs);
  const double reference = optimum["reference_objective"].get<double>();
  return reached && *reached <= reference + 1e-9 * (1 + std::abs(reference));
}

} // namespace polytask::testing
