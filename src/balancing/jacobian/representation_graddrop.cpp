// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/jacobian/representation_graddrop.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/sign.h>
#include <c10/util/Exception.h>

#include "../checks.h"
#include "../describe.h"
#include "../extras.h"
#include "graddrop_mask.h"

namespace polytask::balancing {

RepresentationGradDrop::RepresentationGradDrop(
    RepresentationGradDropOptions options)
    : options_(options) {
  check_options();
}

const detail::Description& RepresentationGradDrop::description() {
  using namespace detail;
  static const Description made =
      Describe<RepresentationGradDropOptions>(
          "representation_graddrop", "RepresentationGradDrop")
          .option(
              "leak",
              &RepresentationGradDropOptions::leak,
              from_to(0, 1),
              "what of a dropped entry passes")
          .also({"graddrop_libmtl"})
          .made_of(&RepresentationGradDrop::options_);
  return made;
}

at::Tensor RepresentationGradDrop::combine(
    const at::Tensor& jacobian, const Extras& extras) {
  constexpr double kTiny = 1e-7;
  at::Tensor representation =
      detail::need_extra(extras, "representation", name());
  TORCH_CHECK_VALUE(
      representation.dim() >= 2 && representation.numel() == jacobian.size(1),
      name(),
      ": expected gradients of the representation ",
      representation.sizes(),
      ", but each has ",
      jacobian.size(1),
      " elements.");
  representation =
      representation.detach().to(jacobian.options()).flatten(1); // [B, R]
  const at::Tensor gradients = jacobian.reshape(
      {tasks(), representation.size(0), representation.size(1)});
  const at::Tensor votes = (at::sign(representation) * gradients).sum(1);
  const at::Tensor purity =
      0.5 * (1 + votes.sum(0) / (at::abs(votes).sum(0) + kTiny));
  const at::Tensor kept =
      detail::graddrop_mask(votes, purity, extras, random(), name());
  const at::Tensor passed =
      options_.leak() + (1 - options_.leak()) * kept; // [T, R]
  return (passed.unsqueeze(1) * gradients).sum(0);
}

} // namespace polytask::balancing
