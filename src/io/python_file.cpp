// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/python_file.h>

#include <ATen/core/Dict.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <fstream>
#include <string_view>
#include <unordered_map>

#include "core/check.h"
#include "io/new_zip_file.h"
#include "io/pickler.h"
#include "io/regular_file.h"
#include "io/unpickler.h"
#include "io/zip_archive.h"

namespace polytask::io {

namespace {

constexpr auto kPickle = "data.pkl";
constexpr auto kByteOrder = "byteorder";
constexpr auto kStorages = "data/";

[[noreturn]] void fail_kind(const std::string& what) {
  TORCH_CHECK_VALUE(false, what);
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() &&
      text.substr(text.size() - end.size()) == end;
}

// Files of torch.save before 1.6: a pickled number of ten bytes, or a tar.
void refuse_old_formats(const std::string& path) {
  constexpr std::string_view kMagic = "\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.";
  constexpr size_t kTarMark = 257;
  std::string head(kTarMark + 5, '\0');
  std::ifstream file = detail::open_regular_file(path);
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  const bool is_pickle =
      starts_with(head, "\x80") && starts_with(head.substr(2), kMagic);
  if (is_pickle || head.substr(kTarMark) == "ustar") {
    fail_kind(
        "it is in the format of PyTorch before 1.6; save it again with "
        "torch.save(torch.load(path, weights_only=True), path) of PyTorch 1.6 "
        "or later.");
  }
}

// Other files of PyTorch are zip archives, too.
void refuse_other_kinds(
    const std::vector<std::string>& names, const std::string& root) {
  for (const auto& name : names) {
    if (name == root + "constants.pkl" || starts_with(name, root + "code/")) {
      fail_kind(
          "it is a TorchScript archive, of torch.jit.save or of torch::save in "
          "C++: io::ScriptModule reads modules, torch::load what torch::save "
          "wrote.");
    }
    if (name == root + "archive_format" ||
        ends_with(name, "models/model.json") ||
        name == "serialized_exported_program.json") {
      fail_kind(
          "it is an exported program (torch.export, .pt2), not a file of "
          "torch.save; in Python, save its state_dict with torch.save.");
    }
  }
}

// The storages of an archive's tensors, each read once.
class StorageRecords {
 public:
  StorageRecords(detail::ZipArchive& archive, std::string folder)
      : archive_(archive), folder_(std::move(folder)) {}

  c10::Storage get(const std::string& key) {
    const auto found = storages_.find(key);
    if (found != storages_.end()) {
      return found->second;
    }
    const std::string name = folder_ + key;
    if (!archive_.has(name)) {
      fail_kind("it has no record of a tensor's storage.");
    }
    const auto bytes = at::empty(
        {static_cast<int64_t>(archive_.size_of(name))},
        at::TensorOptions().dtype(at::kByte).device(at::kCPU));
    archive_.read(name, bytes.data_ptr());
    return storages_.emplace(key, bytes.storage()).first->second;
  }

 private:
  detail::ZipArchive& archive_;
  std::string folder_;
  std::unordered_map<std::string, c10::Storage> storages_;
};

c10::IValue value_in(const std::string& path) {
  refuse_old_formats(path);
  detail::ZipArchive archive(path);
  // All records are in one folder, which may have any name.
  const std::string& first = archive.names().front();
  const std::string root = first.substr(0, first.find('/') + 1);
  refuse_other_kinds(archive.names(), root);
  if (!archive.has(root + kPickle)) {
    fail_kind("it holds no data.pkl, as files of torch.save do.");
  }
  if (archive.has(root + kByteOrder) &&
      archive.text(root + kByteOrder) != "little") {
    fail_kind("it was written by a machine of another byte order.");
  }
  StorageRecords storages(archive, root + kStorages);
  return detail::unpickle(
      archive.text(root + kPickle),
      [&](const std::string& key) { return storages.get(key); });
}

} // namespace

c10::IValue read_python(const std::string& path) {
  try {
    return value_in(path);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error& error) {
    TORCH_CHECK_VALUE(
        false, "read_python: ", path, ": ", error.what_without_backtrace());
  }
}

void write_python(const std::string& path, const c10::IValue& value) {
  detail::Pickled pickled;
  try {
    pickled = detail::pickled(value);
  } catch (const c10::Error&) {
    polytask::detail::rethrow_with("write_python: " + path + ": ");
  }
  detail::NewZipFile file("write_python", path);
  file.write(kPickle, pickled.pickle.data(), pickled.pickle.size());
  file.write(kByteOrder, "little", 6);
  size_t count = 0;
  for (auto& storage : pickled.storages) {
    const at::Tensor bytes =
        storage.resolve_conj().resolve_neg().contiguous().cpu();
    file.write(
        kStorages + std::to_string(count++),
        bytes.const_data_ptr(),
        bytes.nbytes());
  }
  file.put_in_place();
}

torch::OrderedDict<std::string, at::Tensor> tensors_of(
    const c10::IValue& state_dict) {
  TORCH_CHECK_VALUE(
      state_dict.isGenericDict(),
      "tensors_of: expected a dict of tensors by name, but found ",
      state_dict.tagKind(),
      ".");
  torch::OrderedDict<std::string, at::Tensor> tensors("Tensor");
  for (const auto& entry : state_dict.toGenericDict()) {
    const c10::IValue& key = entry.key();
    TORCH_CHECK_VALUE(
        key.isString(),
        "tensors_of: expected names, but found the key ",
        key,
        ".");
    TORCH_CHECK_VALUE(
        entry.value().isTensor(),
        "tensors_of: expected tensors, but '",
        key.toStringRef(),
        "' is ",
        entry.value().tagKind(),
        entry.value().isGenericDict()
            ? "; of a checkpoint, pass its state dict alone: "
              "value.toGenericDict().at(name)."
            : ".");
    tensors.insert(key.toStringRef(), entry.value().toTensor());
  }
  return tensors;
}

} // namespace polytask::io
