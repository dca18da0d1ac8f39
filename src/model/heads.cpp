// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "heads.h"

#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include "core/archive_key.h"

namespace polytask::detail {

void Heads::save(torch::serialize::OutputArchive& archive) const {
  for (const auto& head : named_children()) {
    torch::serialize::OutputArchive child(archive.compilation_unit());
    head.value()->save(child);
    archive.write(archive_key(head.key()), child);
  }
}

void Heads::load(torch::serialize::InputArchive& archive) {
  for (const auto& head : named_children()) {
    torch::serialize::InputArchive child;
    archive.read(archive_key(head.key()), child);
    head.value()->load(child);
  }
}

} // namespace polytask::detail
