// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "archive.h"

#include <c10/util/Exception.h>

namespace polytask::detail {

void write_kind(
    torch::serialize::OutputArchive& archive,
    const std::string& kind,
    int64_t version) {
  archive.write("kind", c10::IValue(kind));
  archive.write("version", c10::IValue(version));
}

void check_kind(
    torch::serialize::InputArchive& archive,
    const std::string& who,
    const std::string& kind,
    int64_t version) {
  c10::IValue found;
  const bool is_told = archive.try_read("kind", found) && found.isString();
  TORCH_CHECK_VALUE(
      is_told && found.toStringRef() == kind,
      who,
      ": expected an archive of a ",
      kind,
      ", but got ",
      is_told ? "one of a " + found.toStringRef() : "another one",
      ".");
  const int64_t written = read_integer(archive, who, "version");
  TORCH_CHECK_VALUE(
      written <= version,
      who,
      ": a newer polytask wrote this archive: it has version ",
      written,
      ", and this polytask reads versions up to ",
      version,
      ".");
}

c10::IValue read_value(
    torch::serialize::InputArchive& archive,
    const std::string& who,
    const std::string& key) {
  c10::IValue value;
  TORCH_CHECK_VALUE(
      archive.try_read(key, value), who, ": the archive has no '", key, "'.");
  return value;
}

int64_t read_integer(
    torch::serialize::InputArchive& archive,
    const std::string& who,
    const std::string& key) {
  const c10::IValue value = read_value(archive, who, key);
  TORCH_CHECK_VALUE(
      value.isInt(),
      who,
      ": expected '",
      key,
      "' in the archive to be an integer, but got ",
      value.tagKind(),
      ".");
  return value.toInt();
}

bool read_flag(
    torch::serialize::InputArchive& archive,
    const std::string& who,
    const std::string& key) {
  const c10::IValue value = read_value(archive, who, key);
  TORCH_CHECK_VALUE(
      value.isBool(),
      who,
      ": expected '",
      key,
      "' in the archive to be a bool, but got ",
      value.tagKind(),
      ".");
  return value.toBool();
}

} // namespace polytask::detail
