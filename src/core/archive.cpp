// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "archive.h"

#include <ATen/core/List.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <algorithm>

namespace polytask::detail {

namespace {

constexpr auto kNames = "names";

} // namespace

at::Tensor bytes_of_text(const std::string& text) {
  at::Tensor bytes = at::empty({static_cast<int64_t>(text.size())}, at::kByte);
  std::ranges::copy(text, bytes.mutable_data_ptr<uint8_t>());
  return bytes;
}

void ArchiveReader::refuse(
    const std::string& key, const char* expected, const char* found) const {
  C10_THROW_ERROR(
      ValueError,
      c10::str(
          who_,
          ": expected ",
          expected,
          " '",
          key,
          "' in the archive, but found ",
          found,
          "."));
}

c10::IValue ArchiveReader::value(
    const std::string& key, const char* what) const {
  c10::IValue value;
  if (!archive_.try_read(key, value)) {
    refuse(key, what, "none");
  }
  return value;
}

bool ArchiveReader::has(const std::string& key) const {
  c10::IValue value;
  return archive_.try_read(key, value);
}

std::string ArchiveReader::text(const std::string& key) const {
  const auto found = value(key, "the text");
  if (!found.isString()) {
    refuse(key, "the text", found.tagKind().c_str());
  }
  return found.toStringRef();
}

double ArchiveReader::number(const std::string& key) const {
  const auto found = value(key, "the number");
  if (!found.isDouble()) {
    refuse(key, "the number", found.tagKind().c_str());
  }
  return found.toDouble();
}

int64_t ArchiveReader::integer(const std::string& key) const {
  const auto found = value(key, "the number");
  if (!found.isInt()) {
    refuse(key, "the number", found.tagKind().c_str());
  }
  return found.toInt();
}

at::Tensor ArchiveReader::tensor(const std::string& key) const {
  const auto found = value(key, "the tensor");
  if (!found.isTensor()) {
    refuse(key, "the tensor", found.tagKind().c_str());
  }
  return found.toTensor();
}

std::vector<std::string> ArchiveReader::texts(const std::string& key) const {
  const auto found = value(key, "the texts");
  if (!found.isList()) {
    refuse(key, "the texts", found.tagKind().c_str());
  }
  std::vector<std::string> texts;
  for (const c10::IValue& each : found.toListRef()) {
    if (!each.isString()) {
      refuse(key, "the texts", each.tagKind().c_str());
    }
    texts.push_back(each.toStringRef());
  }
  return texts;
}

std::vector<double> ArchiveReader::numbers(const std::string& key) const {
  const auto found = value(key, "the numbers");
  if (!found.isDoubleList()) {
    refuse(key, "the numbers", found.tagKind().c_str());
  }
  return found.toDoubleVector();
}

std::vector<int64_t> ArchiveReader::integers(const std::string& key) const {
  const auto found = value(key, "the numbers");
  if (!found.isIntList()) {
    refuse(key, "the numbers", found.tagKind().c_str());
  }
  return found.toIntVector();
}

std::map<std::string, at::Tensor> ArchiveReader::tensors(
    const std::string& key) const {
  torch::serialize::InputArchive child;
  if (!archive_.try_read(key, child)) {
    refuse(key, "the tensors", "none");
  }
  const ArchiveReader reader(child, who_);
  std::map<std::string, at::Tensor> tensors;
  int64_t place = 0;
  for (const auto& name : reader.texts(kNames)) {
    tensors[name] = reader.tensor(std::to_string(place++));
  }
  return tensors;
}

void write_texts(
    torch::serialize::OutputArchive& archive,
    const std::string& key,
    const std::vector<std::string>& texts) {
  c10::List<std::string> list;
  for (const auto& text : texts) {
    list.push_back(text);
  }
  archive.write(key, c10::IValue(list));
}

void write_tensors(
    torch::serialize::OutputArchive& archive,
    const std::string& key,
    const std::map<std::string, at::Tensor>& tensors) {
  torch::serialize::OutputArchive child(archive.compilation_unit());
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) {
    child.write(
        std::to_string(names.size()), tensor.detach(), /*is_buffer=*/true);
    names.push_back(name);
  }
  write_texts(child, kNames, names);
  archive.write(key, child);
}

} // namespace polytask::detail
