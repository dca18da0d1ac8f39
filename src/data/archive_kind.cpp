// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "archive_kind.h"

#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

namespace polytask::detail {

void write_kind(
    torch::serialize::OutputArchive& archive,
    const std::string& kind,
    int64_t version) {
  archive.write("kind", c10::IValue(kind));
  archive.write("version", c10::IValue(version));
}

ArchiveReader reader_of(
    torch::serialize::InputArchive& archive,
    const std::string& who,
    const std::string& kind,
    int64_t version) {
  ArchiveReader reader(archive, who);
  const std::string found = reader.text("kind");
  TORCH_CHECK_VALUE(
      found == kind,
      who,
      ": expected an archive of a ",
      kind,
      ", but got one of a ",
      found,
      ".");
  const int64_t written = reader.integer("version");
  TORCH_CHECK_VALUE(
      written <= version,
      who,
      ": a newer polytask wrote this archive: it has version ",
      written,
      ", and this polytask reads versions up to ",
      version,
      ".");
  return reader;
}

} // namespace polytask::detail
