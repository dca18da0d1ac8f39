// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "methods.h"

#include <polytask/balancing.h>

namespace polytask::balancing::detail {

// One line for each method. They do not register themselves: a linker leaves
// out of a static library what nothing names.
const std::vector<const Description*>& descriptions() {
  static const std::vector<const Description*> all = {
      &AutoLambda::description(),
      &FORUM::description(),
      &MOML::description(),
      &EveryKSteps::description(),
      &AlignedMTL::description(),
      &CAGrad::description(),
      &CRMOGM::description(),
      &DualProj::description(),
      &FairGrad::description(),
      &GradNorm::description(),
      &GradVac::description(),
      &IMTL::description(),
      &IMTLG::description(),
      &Krum::description(),
      &MGDA::description(),
      &MoDo::description(),
      &NashMTL::description(),
      &PCD::description(),
      &PCGrad::description(),
      &SDMGrad::description(),
      &SummedRepresentation::description(),
      &UPGrad::description(),
      &ConFIG::description(),
      &DBMTL::description(),
      &ExcessMTL::description(),
      &GradDrop::description(),
      &GradVacRows::description(),
      &MoCo::description(),
      &RepresentationGradDrop::description(),
      &TrimmedMean::description(),
      &PerGroup::description(),
      &Preference::description(),
      &ConstantWeights::description(),
      &COSMOS::description(),
      &DWA::description(),
      &EqualWeights::description(),
      &FAMO::description(),
      &GeometricMean::description(),
      &IMTLL::description(),
      &PBI::description(),
      &RandomWeights::description(),
      &ScaleInvariant::description(),
      &STCH::description(),
      &STCHWarmup::description(),
      &UncertaintyWeighting::description(),
  };
  return all;
}

} // namespace polytask::balancing::detail
