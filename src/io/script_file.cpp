// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/script_file.h"

#include <ATen/core/function.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/jit_type.h>
#include <c10/util/Exception.h>
#include <caffe2/serialize/versions.h>
#include <torch/csrc/jit/serialization/export.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <exception>
#include <fstream>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "core/new_file.h"
#include "io/regular_file.h"
#include "io/zip_archive.h"

namespace polytask::io::detail {

namespace {

constexpr auto kExtraFolder = "extra/";

// Files of other kinds, by what they begin with; zip archives are looked into.
void refuse_other_heads(const std::string& path) {
  std::ifstream file = open_regular_file(path);
  TORCH_CHECK_VALUE(file, "there is no such file, or it cannot be read.");
  std::string head(9, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  TORCH_CHECK_VALUE(
      head[0] != '\x80',
      "it is a pickle, which torch.save of PyTorch before 1.6 and "
      "torch::pickle_save write, and no TorchScript.");
  TORCH_CHECK_VALUE(
      head.back() != '{',
      "it holds tensors in the format of safetensors and no program; "
      "polytask::io::SafetensorsFile reads them.");
}

// The folder in which all records of an archive are.
std::string root_of_script(const ZipArchive& archive) {
  const std::string& first = archive.names().front();
  return first.substr(0, first.find('/') + 1);
}

std::vector<std::string> script_records(const ZipArchive& archive) {
  const size_t root = root_of_script(archive).size();
  auto names = archive.names();
  for (auto& name : names) {
    name.erase(0, root);
  }
  return names;
}

// LibTorch's reader refuses them, too, and leaks.
void refuse_newer(ZipArchive& archive) {
  const std::string root = root_of_script(archive);
  for (const char* record : {".data/version", "version"}) {
    if (!archive.has(root + record)) {
      continue;
    }
    const std::string text = archive.text(root + record);
    uint64_t version = 0;
    std::from_chars(text.data(), text.data() + text.size(), version);
    TORCH_CHECK_VALUE(
        version >= caffe2::serialize::kMinSupportedFileFormatVersion &&
            version <= caffe2::serialize::kMaxSupportedFileFormatVersion,
        "it is of TorchScript's version ",
        version,
        ", and this LibTorch reads ",
        caffe2::serialize::kMinSupportedFileFormatVersion,
        " to ",
        caffe2::serialize::kMaxSupportedFileFormatVersion,
        ".");
    return;
  }
}

void refuse_other_archives(const std::vector<std::string>& records) {
  const auto has = [&](std::string_view record) {
    return std::find(records.begin(), records.end(), record) != records.end();
  };
  TORCH_CHECK_VALUE(
      !has("archive_format") && !has("serialized_exported_program.json"),
      "it is an exported program (torch.export, .pt2) and no TorchScript; "
      "polytask::io::ExportedProgram reads it.");
  // The last is what PyTorch before 1.2 wrote.
  const bool is_script = has("constants.pkl") || has("model.json");
  TORCH_CHECK_VALUE(
      is_script || !has("data.pkl"),
      "it is a file of torch.save, such as a state dict, and no TorchScript; "
      "polytask::io::read_python reads it.");
  TORCH_CHECK_VALUE(
      is_script, "it is no TorchScript, as torch.jit.save writes it.");
}

torch::jit::ExtraFilesMap extra_files_in(
    const std::vector<std::string>& records) {
  const std::string_view folder = kExtraFolder;
  torch::jit::ExtraFilesMap files;
  for (const auto& record : records) {
    if (record.compare(0, folder.size(), folder) == 0) {
      files[record.substr(folder.size())] = "";
    }
  }
  return files;
}

std::vector<ScriptArgument> script_arguments(const torch::jit::Module& module) {
  const auto forward = module.find_method("forward");
  if (!forward) {
    TORCH_CHECK_VALUE(
        !module.type()->methods().empty(),
        "it holds tensors by name and no program; torch::save wrote it in C++, "
        "and torch::load reads it.");
    TORCH_CHECK_VALUE(false, "its module has no forward.");
  }
  std::vector<ScriptArgument> arguments;
  const auto& declared = forward->function().getSchema().arguments();
  for (size_t i = 1; i < declared.size(); ++i) {
    ScriptArgument argument;
    argument.name = declared[i].name();
    argument.type = declared[i].type()->annotation_str();
    argument.takes_tensor =
        c10::TensorType::get()->isSubtypeOf(*declared[i].type());
    argument.default_value = declared[i].default_value();
    TORCH_CHECK_VALUE(
        argument.takes_tensor || argument.default_value,
        "the argument '",
        argument.name,
        "' of its forward is of the type ",
        argument.type,
        ", and only tensors can be given: in Python, give it a default, or "
        "script a module around it.");
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

std::optional<size_t> sole_argument_of(
    const std::vector<ScriptArgument>& arguments) {
  std::optional<size_t> needed;
  std::optional<size_t> first;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].default_value) {
      if (needed) {
        return std::nullopt;
      }
      needed = i;
    }
    if (arguments[i].takes_tensor && !first) {
      first = i;
    }
  }
  return needed ? needed : first;
}

std::shared_ptr<ScriptFile> script_in(const std::string& path) {
  refuse_other_heads(path);
  ZipArchive archive(path);
  const auto records = script_records(archive);
  refuse_other_archives(records);
  refuse_newer(archive);
  auto file = std::make_shared<ScriptFile>();
  file->extra_files = extra_files_in(records);
  file->module = torch::jit::load(path, at::kCPU, file->extra_files);
  file->arguments = script_arguments(file->module);
  file->sole_argument = sole_argument_of(file->arguments);
  TORCH_CHECK_VALUE(
      std::any_of(
          file->arguments.begin(),
          file->arguments.end(),
          [](const ScriptArgument& each) { return each.takes_tensor; }),
      "its forward takes no tensor.");
  return file;
}

} // namespace

std::vector<at::Tensor> ScriptFile::tensors() const {
  std::vector<at::Tensor> tensors;
  std::unordered_set<const c10::TensorImpl*> seen;
  c10::IValue(module._ivalue()).visit([&](const c10::IValue& value) {
    if (value.isTensor()) {
      const at::Tensor& tensor = value.toTensor();
      if (tensor.defined() &&
          seen.insert(tensor.unsafeGetTensorImpl()).second) {
        tensors.push_back(tensor);
      }
    }
    return false; // go on into what it holds
  });
  return tensors;
}

std::shared_ptr<ScriptFile> read_script(const std::string& path) {
  try {
    return script_in(path);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error& error) {
    TORCH_CHECK_VALUE(
        false, "ScriptModule: ", path, ": ", error.what_without_backtrace());
  } catch (const std::exception& error) { // TorchScript has kinds of its own
    TORCH_CHECK_VALUE(false, "ScriptModule: ", path, ": ", error.what());
  }
}

void write_script(const std::string& path, const ScriptFile& file) {
  polytask::detail::NewFile to("ScriptModule", path);
  try {
    torch::jit::ExportModule(
        file.module,
        [&to](const void* data, size_t size) {
          to.write(data, size);
          return size;
        },
        file.extra_files);
  } catch (const std::exception& error) {
    const auto* known = dynamic_cast<const c10::Error*>(&error);
    TORCH_CHECK(
        false,
        "ScriptModule: ",
        path,
        ": ",
        known ? known->what_without_backtrace() : error.what());
  }
  to.put_in_place();
}

std::shared_ptr<ScriptFile> copy_script(const ScriptFile& file) {
  const at::NoGradGuard no_grad;
  auto copy = std::make_shared<ScriptFile>(file);
  c10::IValue::HashIdentityIValueMap copies;
  // Given a device, LibTorch's deepcopy keeps the tensors that are on it.
  copy->module = torch::jit::Module(file.module._ivalue()->deepcopy(copies));
  for (const auto& [original, copied] : copies) {
    if (original.isTensor() && original.toTensor().requires_grad()) {
      copied.toTensor().requires_grad_();
    }
  }
  return copy;
}

} // namespace polytask::io::detail
