// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/loader_state.h>

#include <torch/serialize/output-archive.h>

#include "archive_kind.h"

namespace polytask::data {

namespace {

constexpr const char* kLoaderKind = "polytask::data::Loader";
constexpr int64_t kLoaderVersion = 1;

} // namespace

void LoaderState::save(torch::serialize::OutputArchive& archive) const {
  detail::write_kind(archive, kLoaderKind, kLoaderVersion);
  archive.write("epoch", c10::IValue(epoch));
  archive.write("position", c10::IValue(position));
  if (loader) {
    archive.write("rows", c10::IValue(loader->rows));
    archive.write("batch_size", c10::IValue(loader->batch_size));
    archive.write("shuffle", c10::IValue(int64_t{loader->shuffle}));
    archive.write("drop_last", c10::IValue(int64_t{loader->drop_last}));
    // An archive has no unsigned integers; the bits are the same.
    archive.write("seed", c10::IValue(static_cast<int64_t>(loader->seed)));
  }
}

LoaderState LoaderState::read(
    torch::serialize::InputArchive& archive, const std::string& who) {
  const detail::ArchiveReader reader =
      detail::reader_of(archive, who, kLoaderKind, kLoaderVersion);
  LoaderState state{reader.integer("epoch"), reader.integer("position"), {}};
  if (reader.has("rows")) {
    state.loader = LoaderFingerprint{
        reader.integer("rows"),
        reader.integer("batch_size"),
        reader.integer("shuffle") != 0,
        reader.integer("drop_last") != 0,
        static_cast<uint64_t>(reader.integer("seed"))};
  }
  return state;
}

} // namespace polytask::data
