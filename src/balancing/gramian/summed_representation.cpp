// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/gramian/summed_representation.h>

#include <c10/util/Exception.h>

#include <polytask/balancing/make.h>

#include <c10/util/Exception.h>

#include <utility>

#include "../describe.h"

namespace polytask::balancing {

namespace {

struct SummedRepresentationSettings {
  std::shared_ptr<Balancing> method;
};

// LibMTL combines the rows as they are, not as they were divided.
std::unique_ptr<Balancing> representation_libmtl(const OptionValues& options) {
  OptionValues rest = options;
  std::string weighting = "MGDA";
  if (const auto found = rest.find("weighting"); found != rest.end()) {
    weighting = found->second.word() ? *found->second.word() : "";
    rest.erase(found);
  }
  TORCH_CHECK_VALUE(
      weighting == "MGDA" || weighting == "IMTL" || weighting == "Aligned_MTL",
      "representation_libmtl: expected weighting to be one of 'MGDA', 'IMTL', "
      "'Aligned_MTL', but got '",
      weighting,
      "'.");
  if (weighting == "MGDA") {
    rest.emplace("solver", "pairs");
  }
  return std::make_unique<SummedRepresentation>(make(
      weighting == "MGDA"       ? "mgda"
          : weighting == "IMTL" ? "imtl_libmtl"
                                : "aligned_mtl_libmtl",
      rest));
}

} // namespace

SummedRepresentation::SummedRepresentation(std::unique_ptr<Balancing> method)
    : Described(std::move(method), "summed_representation") {
  check_options();
}

const detail::Description& SummedRepresentation::description() {
  using namespace detail;
  static const Description made =
      Describe<SummedRepresentationSettings>(
          "summed_representation", "SummedRepresentation")
          .with_inner(
              "method", "", &SummedRepresentationSettings::method, "the method")
          .made_by(
              {"representation_libmtl",
               {{"weighting", "MGDA, IMTL or Aligned_MTL; MGDA"},
                {"mgda_gn", "of MGDA: none, l2, loss, loss+; none"},
                {"initial loss_scale", "of IMTL; 0"},
                {"loss_scale_lr", "of IMTL; 0.01"}},
               representation_libmtl})
          .made_of<SummedRepresentation>(
              [](const SummedRepresentation& method) {
                return SummedRepresentationSettings{borrowed(method.inner())};
              },
              [](SummedRepresentationSettings settings) {
                return std::make_unique<SummedRepresentation>(
                    settings.method->clone());
              });
  return made;
}

math::Matrix SummedRepresentation::gramian_of(
    const at::Tensor& jacobian, const Extras& extras) const {
  TORCH_CHECK_VALUE(
      jacobian.dim() >= 3,
      name(),
      ": expected gradients [T, B, ...] for a batch of features, but got ",
      jacobian.sizes(),
      ".");
  return inner().gramian_of(jacobian.sum(1), extras);
}

math::Vector SummedRepresentation::compute(
    const math::Matrix& gramian, const Extras& extras) {
  return inner().solve(gramian, extras);
}

math::Vector SummedRepresentation::repeated() {
  return inner().repeat();
}

} // namespace polytask::balancing
