// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <polytask/balancing/balancing.h>
#include "core/archive.h"

namespace polytask::balancing {

namespace {

constexpr auto kMethod = "balancing";
constexpr auto kState = "state";

} // namespace

void Balancing::save(torch::serialize::OutputArchive& archive) const {
  archive.write(kMethod, c10::IValue(name()));
  polytask::detail::write_tensors(archive, kState, state());
}

void Balancing::load(torch::serialize::InputArchive& archive) {
  const polytask::detail::ArchiveReader reader(archive, name());
  const std::string method = reader.text(kMethod);
  TORCH_CHECK_VALUE(
      method == name(),
      name(),
      ": expected an archive of this method, but it is one of '",
      method,
      "'.");
  load_state(reader.tensors(kState));
}

torch::serialize::OutputArchive& operator<<(
    torch::serialize::OutputArchive& archive, const Balancing& method) {
  method.save(archive);
  return archive;
}

torch::serialize::InputArchive& operator>>(
    torch::serialize::InputArchive& archive, Balancing& method) {
  method.load(archive);
  return archive;
}

} // namespace polytask::balancing
