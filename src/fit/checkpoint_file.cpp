// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/checkpoint_file.h"

#include <ATen/ops/from_blob.h>
#include <c10/util/Exception.h>
#include <polytask/io/safetensors.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <cstdint>
#include <fstream>
#include <utility>

#include "core/crc32c.h"
#include "core/new_file.h"
#include "fit/old_checkpoint_file.h"
#include "fit/read_archive.h"
#include "io/safetensors_writer.h"

namespace polytask::fit::detail {

namespace {

constexpr auto kTraining = "polytask.training";
// Of all bytes before it; the file's last ones.
constexpr auto kChecksum = "polytask.checksum";

at::Tensor view_of_bytes(void* data, size_t size) {
  return at::from_blob(data, {static_cast<int64_t>(size)}, at::kByte);
}

} // namespace

void write_checkpoint(
    const std::string& path,
    io::detail::StoredWeights weights,
    torch::serialize::OutputArchive& archive) {
  std::string training;
  archive.save_to([&](const void* data, size_t size) {
    training.append(static_cast<const char*>(data), size);
    return size;
  });
  uint32_t checksum = 0;
  weights.tensors.insert(
      kTraining, view_of_bytes(training.data(), training.size()));
  weights.tensors.insert(kChecksum, view_of_bytes(&checksum, sizeof(checksum)));
  weights.aliases[std::string(io::detail::kOwnKind)] = "checkpoint";
  weights.aliases["format"] = "pt";
  const io::detail::SafetensorsWriter writer(
      "Fit: " + path, std::move(weights.tensors), weights.aliases);
  polytask::detail::NewFile file("Fit", path);
  // Its own piece comes last, when it is that of all the others.
  writer.write_to([&](const void* data, size_t size) {
    file.write(data, size);
    checksum = polytask::detail::crc32c(checksum, data, size);
  });
  file.put_in_place();
}

std::string checkpoint_fault(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return "cannot be read";
  }
  file.seekg(0, std::ios::end);
  const auto size = static_cast<uint64_t>(file.tellg());
  if (path.ends_with(kOldCheckpointEnd)) {
    return old_checkpoint_fault(file, size);
  }
  uint32_t expected = 0;
  if (size <= sizeof(expected)) {
    return "is cut";
  }
  const uint64_t length = size - sizeof(expected);
  const auto checksum = file_checksum(file, length);
  file.read(reinterpret_cast<char*>(&expected), sizeof(expected));
  return !checksum || !file   ? "cannot be read"
      : *checksum != expected ? "is cut or damaged"
                              : "";
}

void read_checkpoint(
    const std::string& path,
    torch::serialize::InputArchive& archive,
    std::map<std::string, at::Tensor>& weights) {
  if (path.ends_with(kOldCheckpointEnd)) {
    read_old_checkpoint(path, archive);
    return;
  }
  const io::SafetensorsFile file(path);
  const at::Tensor training = file.tensor(kTraining);
  read_archive(
      {static_cast<const char*>(training.const_data_ptr()), training.nbytes()},
      archive);
  for (const auto& name : file.names()) {
    if (!name.starts_with(io::detail::kOwnPrefix)) {
      weights.emplace(name, file.tensor(name));
    }
  }
  for (const auto& [name, target] : file.metadata()) {
    const auto found = weights.find(target);
    if (found != weights.end()) {
      weights.emplace(name, found->second);
    }
  }
}

} // namespace polytask::fit::detail
