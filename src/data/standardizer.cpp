// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/standardizer.h>

#include <ATen/ops/amax.h>
#include <ATen/ops/amin.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/where.h>
#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "archive_kind.h"

namespace polytask::data {

namespace {

constexpr const char* kStandardizerKind = "polytask::data::Standardizer";
constexpr int64_t kStandardizerVersion = 1;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

void check_columns(const at::Tensor& good, const char* complaint) {
  const at::Tensor bad = good.logical_not().nonzero();
  TORCH_CHECK_VALUE(
      bad.size(0) == 0,
      "Standardizer: column ",
      bad.size(0) > 0 ? bad[0].item<int64_t>() : 0,
      complaint);
}

} // namespace

Standardizer::Standardizer(
    const at::Tensor& mean,
    const at::Tensor& scale,
    StandardizerOptions options)
    : options_(options) {
  const auto told = [](const at::Tensor& numbers) {
    return numbers.defined()
        ? c10::str(numbers.sizes(), " on ", numbers.device())
        : "an undefined tensor";
  };
  TORCH_CHECK_VALUE(
      mean.defined() && scale.defined() && mean.dim() == 1 &&
          mean.sizes() == scale.sizes() && mean.device() == scale.device(),
      "Standardizer: expected means and scales of shape [d] on one device, but "
      "got ",
      told(mean),
      " and ",
      told(scale),
      ".");
  mean_ = mean.detach().to(at::kDouble, /*non_blocking=*/false, /*copy=*/true);
  scale_ = scale.detach().to(at::kDouble, false, true);
  check_columns(at::isfinite(mean_), " has a mean that is not finite.");
  check_columns(
      at::isfinite(scale_).logical_and(scale_.ge(0)),
      " has a scale that is negative or not finite.");
}

Standardizer Standardizer::fit(
    const at::Tensor& values, StandardizerOptions options) {
  TORCH_CHECK_VALUE(
      values.defined() && values.dim() == 2,
      "Standardizer: expected values of shape [n, d], but got ",
      values.defined() ? c10::str(values.sizes()) : "an undefined tensor",
      ".");
  TORCH_CHECK_VALUE(
      values.size(1) > 0,
      "Standardizer: expected columns to fit to, but got none.");
  const at::Tensor exact = values.detach().to(at::kDouble);
  const at::Tensor missing = at::isnan(exact);
  const at::Tensor count = missing.logical_not().sum(0); // [d]
  check_columns(count.gt(0), " has no value.");
  const at::Tensor low = exact.masked_fill(missing, kInfinity).amin(0);
  const at::Tensor high = exact.masked_fill(missing, -kInfinity).amax(0);
  check_columns(
      at::isfinite(low).logical_and(at::isfinite(high)),
      " holds an infinite value.");
  // The sum of equal values may be rounded; a constant column is still to have
  // its value for a mean and no deviation.
  const at::Tensor constant = low.eq(high);
  const at::Tensor mean =
      at::where(constant, low, exact.masked_fill(missing, 0).sum(0).div(count));
  const at::Tensor deviation = exact.sub(mean).masked_fill(missing, 0);
  const at::Tensor scale = deviation.square().sum(0).div(count).sqrt();
  return Standardizer(mean, scale, options);
}

void Standardizer::check(const char* who, const at::Tensor& values) const {
  TORCH_CHECK_VALUE(
      mean_.defined(),
      "Standardizer: ",
      who,
      ": it has no numbers yet; fit it, or load them.");
  TORCH_CHECK_VALUE(
      values.defined() && values.is_floating_point() && values.dim() == 2 &&
          values.size(1) == mean_.size(0),
      "Standardizer: ",
      who,
      ": expected floating-point values of shape [n, ",
      mean_.size(0),
      "], but got ",
      values.defined() ? c10::str(values.scalar_type(), " ", values.sizes())
                       : "an undefined tensor",
      ".");
}

at::Tensor Standardizer::transform(const at::Tensor& values) const {
  check("transform", values);
  constexpr double kConstant = 1e-12;
  // Dividing by infinity gives the constant columns 0 and leaves NaN missing.
  const at::Tensor divisor =
      scale_.masked_fill(scale_.lt(kConstant), kInfinity).to(values.device());
  const at::Tensor scaled =
      values.to(at::kDouble).sub(mean_.to(values.device())).div(divisor);
  return (options_.impute() ? scaled.masked_fill(at::isnan(scaled), 0) : scaled)
      .to(values.scalar_type());
}

at::Tensor Standardizer::inverse(const at::Tensor& values) const {
  check("inverse", values);
  return values.to(at::kDouble)
      .mul(scale_.to(values.device()))
      .add(mean_.to(values.device()))
      .to(values.scalar_type());
}

void Standardizer::save(torch::serialize::OutputArchive& archive) const {
  TORCH_CHECK_VALUE(
      mean_.defined(), "Standardizer: save: it has no numbers yet; fit it.");
  detail::write_kind(archive, kStandardizerKind, kStandardizerVersion);
  // From the host, for a machine that has no such device.
  archive.write("mean", mean_.cpu(), /*is_buffer=*/true);
  archive.write("scale", scale_.cpu(), /*is_buffer=*/true);
  archive.write("impute", c10::IValue(int64_t{options_.impute()}));
}

void Standardizer::load(torch::serialize::InputArchive& archive) {
  const detail::ArchiveReader reader = detail::reader_of(
      archive, "Standardizer", kStandardizerKind, kStandardizerVersion);
  Standardizer loaded(
      reader.tensor("mean"),
      reader.tensor("scale"),
      StandardizerOptions().impute(reader.integer("impute") != 0));
  TORCH_CHECK_VALUE(
      !mean_.defined() || loaded.width() == width(),
      "Standardizer: expected the numbers of ",
      width(),
      " columns, but the archive has those of ",
      loaded.width(),
      ".");
  *this = std::move(loaded);
}

} // namespace polytask::data
