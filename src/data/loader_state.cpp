// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/loader_state.h>

#include "archive.h"

namespace polytask::data {

namespace {

constexpr const char* kLoaderKind = "polytask::data::Loader";
constexpr int64_t kLoaderVersion = 1;

} // namespace

void LoaderState::save(torch::serialize::OutputArchive& archive) const {
  detail::write_kind(archive, kLoaderKind, kLoaderVersion);
  archive.write("epoch", c10::IValue(epoch));
  archive.write("position", c10::IValue(position));
  archive.write("has_loader", c10::IValue(loader.has_value()));
  if (loader) {
    archive.write("rows", c10::IValue(loader->rows));
    archive.write("batch_size", c10::IValue(loader->batch_size));
    archive.write("shuffle", c10::IValue(loader->shuffle));
    archive.write("drop_last", c10::IValue(loader->drop_last));
    // An archive has no unsigned integers; the bits are the same.
    archive.write("seed", c10::IValue(static_cast<int64_t>(loader->seed)));
  }
}

LoaderState LoaderState::read(
    torch::serialize::InputArchive& archive, const std::string& who) {
  detail::check_kind(archive, who, kLoaderKind, kLoaderVersion);
  const auto integer = [&](const char* key) {
    return detail::read_integer(archive, who, key);
  };
  LoaderState state{integer("epoch"), integer("position"), {}};
  if (detail::read_flag(archive, who, "has_loader")) {
    state.loader = LoaderFingerprint{
        integer("rows"),
        integer("batch_size"),
        detail::read_flag(archive, who, "shuffle"),
        detail::read_flag(archive, who, "drop_last"),
        static_cast<uint64_t>(integer("seed"))};
  }
  return state;
}

} // namespace polytask::data
