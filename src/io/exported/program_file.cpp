// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/exported/program_file.h"
#include "io/exported/has_schema.h"

#if POLYTASK_HAS_PROGRAM_SCHEMA

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>
#include <torch/csrc/utils/generated_serialization_types.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <variant>

#include "core/check.h"
#include "io/exported/input_names.h"
#include "io/exported/schema_types.h"
#include "io/new_zip_file.h"
#include "io/rebuilt_tensor.h"
#include "io/zip_archive.h"

namespace polytask::io::detail {

namespace {

namespace schema = torch::_export;

constexpr std::string_view kModels = "models/";
constexpr std::string_view kJson = ".json";
constexpr auto kFormat = "archive_format";
constexpr auto kVersion = "archive_version";
constexpr auto kWeights = "data/weights/";
constexpr auto kConstants = "data/constants/";
// The writer makes its own.
constexpr auto kSerializationId = ".data/serialization_id";

// The records of an archive without the folder in which all of them are.
class ProgramArchive {
 public:
  explicit ProgramArchive(const std::string& path) : zip_(path) {
    const std::string& first = zip_.names().front();
    root_ = first.substr(0, first.find('/') + 1);
  }

  bool has(const std::string& record) const {
    return zip_.has(root_ + record);
  }
  std::string text(const std::string& record) {
    TORCH_CHECK_VALUE(has(record), "it has no record '", record, "'.");
    return zip_.text(root_ + record);
  }
  at::Tensor bytes(const std::string& record) {
    TORCH_CHECK_VALUE(has(record), "it has no record '", record, "'.");
    at::Tensor bytes = at::empty(
        {static_cast<int64_t>(zip_.size_of(root_ + record))},
        at::TensorOptions(at::kCPU).dtype(at::kByte));
    zip_.read(root_ + record, bytes.data_ptr());
    return bytes;
  }
  std::vector<std::string> records() const {
    std::vector<std::string> records;
    for (const auto& name : zip_.names()) {
      if (name.compare(0, root_.size(), root_) == 0) {
        records.push_back(name.substr(root_.size()));
      }
    }
    return records;
  }

 private:
  ZipArchive zip_;
  std::string root_;
};

std::vector<std::string> models_in(const ProgramArchive& archive) {
  std::vector<std::string> models;
  for (const auto& record : archive.records()) {
    const std::string_view view = record;
    if (view.size() > kModels.size() + kJson.size() &&
        view.substr(0, kModels.size()) == kModels &&
        view.substr(view.size() - kJson.size()) == kJson) {
      models.emplace_back(view.substr(
          kModels.size(), view.size() - kModels.size() - kJson.size()));
    }
  }
  return models;
}

std::string model_in(const ProgramArchive& archive, const std::string& model) {
  const auto models = models_in(archive);
  TORCH_CHECK_VALUE(
      archive.has(kFormat) && !models.empty(),
      "it is no exported program as torch.export.save of PyTorch 2.8 and later "
      "writes them.");
  TORCH_CHECK_VALUE(
      model.empty()
          ? models.size() == 1
          : std::find(models.begin(), models.end(), model) != models.end(),
      model.empty() ? "it holds several programs, of which one is to be named: "
                    : "it holds no program '" + model + "'; there are: ",
      polytask::detail::quoted(models),
      ".");
  return model.empty() ? models[0] : model;
}

std::vector<int64_t> numbers_of(const std::vector<schema::SymInt>& sizes) {
  std::vector<int64_t> numbers;
  numbers.reserve(sizes.size());
  for (const auto& size : sizes) {
    TORCH_CHECK_VALUE(
        size.tag() == schema::SymInt::Tag::AS_INT,
        "a size of it is no number.");
    numbers.push_back(size.get_as_int());
  }
  return numbers;
}

StoredWeight stored(const std::string& name, const schema::PayloadMeta& meta) {
  TORCH_CHECK_VALUE(
      !meta.get_use_pickle() && meta.get_tensor_meta(),
      "it is a tensor of a class of its own, or an object, which cannot be "
      "read.");
  const auto& tensor = *meta.get_tensor_meta();
  const auto offset = numbers_of({tensor.get_storage_offset()});
  return {
      name,
      dtype_of(tensor.get_dtype()),
      offset[0],
      numbers_of(tensor.get_sizes()),
      numbers_of(tensor.get_strides())};
}

// Equal for two that are one tensor.
auto place_of(const StoredWeight& weight) {
  return std::tie(weight.dtype, weight.offset, weight.sizes, weight.strides);
}

// The weight in the bytes of its record.
at::Tensor stored_view(const at::Tensor& bytes, const StoredWeight& weight) {
  return rebuilt_tensor(
      bytes.storage(),
      weight.dtype,
      weight.offset,
      weight.sizes,
      weight.strides);
}

// The records of a folder (`data/weights/`), and their tensors by name.
class RecordedWeights {
 public:
  RecordedWeights(
      ProgramArchive& archive,
      const std::string& folder,
      const std::string& config) {
    const std::string text = archive.text(folder + config);
    schema::PayloadConfig entries;
    try {
      entries = parse_json(text).get<schema::PayloadConfig>();
    } catch (const c10::Error&) {
      throw;
    } catch (const std::exception& error) {
      TORCH_CHECK_VALUE(
          false, "its record '", config, "' is damaged: ", error.what());
    }
    std::map<std::string, WeightRecord> records;
    for (const auto& [name, meta] : entries.get_config()) {
      try {
        records[meta.get_path_name()].weights.push_back(stored(name, meta));
        requires_grad_[name] = meta.get_is_param() && meta.get_tensor_meta() &&
            meta.get_tensor_meta()->get_requires_grad();
      } catch (const c10::Error&) {
        polytask::detail::rethrow_with("its tensor '" + name + "': ");
      }
    }
    for (auto& [path, record] : records) {
      TORCH_CHECK_VALUE(
          path != config, "its record '", config, "' is damaged.");
      record.record = folder + path;
      read(archive, record);
      records_.push_back(std::move(record));
    }
  }

  at::Tensor tensor(const std::string& name) const {
    const auto found = tensors_.find(name);
    TORCH_CHECK_VALUE(
        found != tensors_.end(), "it has no tensor '", name, "'.");
    return found->second;
  }
  std::vector<WeightRecord> take_records() {
    return std::move(records_);
  }

 private:
  void read(ProgramArchive& archive, WeightRecord& record) {
    const at::Tensor bytes = archive.bytes(record.record);
    record.bytes = bytes.nbytes();
    using Place = decltype(place_of(record.weights[0]));
    std::map<Place, at::Tensor> by_place;
    for (const auto& weight : record.weights) {
      try {
        at::Tensor& tensor = by_place[place_of(weight)];
        if (!tensor.defined()) {
          tensor = stored_view(bytes, weight);
        }
        if (requires_grad_[weight.name]) {
          tensor.requires_grad_();
        }
        tensors_[weight.name] = tensor;
      } catch (const c10::Error&) {
        polytask::detail::rethrow_with("its tensor '" + weight.name + "': ");
      }
    }
  }

  std::vector<WeightRecord> records_;
  std::map<std::string, at::Tensor> tensors_;
  std::map<std::string, bool> requires_grad_;
};

LoadedProgram program_in(const std::string& path, const std::string& named) {
  ProgramArchive archive(path);
  const std::string model = model_in(archive, named);
  TORCH_CHECK_VALUE(
      !archive.has("byteorder") || archive.text("byteorder") == "little",
      "it was written by a machine of another byte order.");
  TORCH_CHECK_VALUE(
      !archive.has(kVersion) || archive.text(kVersion) == "0",
      "it is of another version of its format (",
      archive.text(kVersion),
      ") than the one that can be read, 0.");
  auto file = std::make_shared<ProgramFile>();
  file->program = parse_program(
      archive.text(std::string(kModels) + model + std::string(kJson)));
  RecordedWeights weights(archive, kWeights, model + "_weights_config.json");
  RecordedWeights constants(
      archive, kConstants, model + "_constants_config.json");
  LoadedProgram loaded;
  for (const auto& weight : file->program.weights) {
    const bool is_constant = weight.kind == ProgramWeight::Kind::kConstant;
    loaded.weights.push_back(
        (is_constant ? constants : weights).tensor(weight.name));
  }
  file->weights = weights.take_records();
  for (auto& record : constants.take_records()) {
    file->weights.push_back(std::move(record));
  }
  std::set<std::string> used;
  for (const auto& weight : file->program.weights) {
    used.insert(weight.name);
  }
  std::set<std::string> known{kSerializationId};
  for (auto& record : file->weights) {
    known.insert(record.record);
    const size_t stored = record.weights.size();
    std::erase_if(record.weights, [&](const StoredWeight& weight) {
      return used.count(weight.name) == 0;
    });
    if (record.weights.size() != stored) {
      record.rest = archive.text(record.record);
    }
  }
  for (const auto& record : archive.records()) {
    if (known.count(record) == 0) {
      file->others.emplace_back(record, archive.text(record));
    }
  }
  loaded.file = std::move(file);
  return loaded;
}

// The same elements once, where some are many times in it (`expand`).
at::Tensor without_repeats(
    at::Tensor tensor, const std::vector<int64_t>& strides) {
  for (size_t i = 0; i < strides.size(); ++i) {
    const auto dim = static_cast<int64_t>(i);
    if (strides[i] == 0 && tensor.size(dim) > 1) {
      tensor = tensor.narrow(dim, 0, 1);
    }
  }
  return tensor;
}

} // namespace

LoadedProgram read_program(const std::string& path, const std::string& model) {
  try {
    return program_in(path, model);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error& error) {
    TORCH_CHECK_VALUE(
        false, "ExportedProgram: ", path, ": ", error.what_without_backtrace());
  } catch (const std::bad_variant_access&) {
    TORCH_CHECK_VALUE(
        false,
        "ExportedProgram: ",
        path,
        ": it is damaged: a size of a tensor is of no known kind.");
  }
}

void write_program(
    const std::string& path,
    const ProgramFile& file,
    const std::vector<at::Tensor>& weights) {
  const at::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> now;
  for (size_t i = 0; i < weights.size(); ++i) {
    now[file.program.weights[i].name] = weights[i];
  }
  std::vector<at::Tensor> records;
  for (const auto& record : file.weights) {
    const at::Tensor bytes = at::zeros(
        {static_cast<int64_t>(record.bytes)},
        at::TensorOptions(at::kCPU).dtype(at::kByte));
    std::copy(
        record.rest.begin(), record.rest.end(), bytes.data_ptr<uint8_t>());
    for (const auto& weight : record.weights) {
      const at::Tensor& value = now[weight.name];
      TORCH_CHECK_VALUE(
          value.defined() && value.scalar_type() == weight.dtype &&
              value.sizes() == at::IntArrayRef(weight.sizes),
          "ExportedProgram: '",
          weight.name,
          "' is of the dtype ",
          weight.dtype,
          " and the shape ",
          at::IntArrayRef(weight.sizes),
          " in the program, and of ",
          value.defined() ? value.scalar_type() : at::ScalarType::Undefined,
          " and ",
          value.defined() ? value.sizes() : at::IntArrayRef(),
          " now: the program cannot be saved with it.");
      const at::Tensor stored = stored_view(bytes, weight);
      const at::Tensor once = without_repeats(value, weight.strides);
      without_repeats(stored, weight.strides).copy_(once);
      TORCH_CHECK_VALUE(
          once.sizes() == value.sizes() || value.equal(once.expand_as(value)),
          "ExportedProgram: '",
          weight.name,
          "' repeats its elements in the program, and now they differ: it "
          "cannot be saved with it.");
    }
    records.push_back(bytes);
  }
  NewZipFile to("ExportedProgram", path);
  for (const auto& [record, text] : file.others) {
    to.write(record, text.data(), text.size());
  }
  for (size_t i = 0; i < records.size(); ++i) {
    to.write(
        file.weights[i].record,
        records[i].const_data_ptr(),
        records[i].nbytes());
  }
  to.put_in_place();
}

} // namespace polytask::io::detail

#else

#include <c10/util/Exception.h>

namespace polytask::io::detail {

LoadedProgram read_program(
    const std::string& path, const std::string& /*model*/) {
  TORCH_CHECK(
      false,
      "ExportedProgram: ",
      path,
      ": this polytask was built with LibTorch ",
      TORCH_VERSION,
      ", and exported programs are read from 2.13 on.");
}

void write_program(
    const std::string& /*path*/,
    const ProgramFile& /*file*/,
    const std::vector<at::Tensor>& /*weights*/) {
  TORCH_CHECK(false, "ExportedProgram: there is none to be saved.");
}

} // namespace polytask::io::detail

#endif
