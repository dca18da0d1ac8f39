// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/arg.h>
#include <torch/ordered_dict.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>
#include <polytask/data/preparation.h>
#include <polytask/data/table.h>
#include <polytask/model/multi_task_model.h>

namespace polytask::io {

struct POLYTASK_API ExportOptions {
  using Units = std::map<std::string, std::string>;
  /// In what a task's answers are, by the task's name: {"rent", "EUR/month"}.
  TORCH_ARG(Units, units) = {};
};

/// Writes one file, "….safetensors", from which `InferenceModel`, or a short
/// program in Python (docs/interop.md), answers for all tasks from raw rows: a
/// model's weights under their names, and, as JSON in the metadata, what its
/// tables became (`Preparation::json`), its tasks with their units, and its
/// networks where they are of LibTorch's own layers.
///
/// The layers are Linear, Conv1d, Conv2d, BatchNorm1d, BatchNorm2d, LayerNorm,
/// GroupNorm, Embedding, MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, Flatten,
/// Dropout, Identity and activations, in `Sequential` and `Residual`, with no
/// sharing or `HardSharing`. A model of others is written without its networks;
/// whoever reads it makes them as they were made for the training.
///
/// Written beside and renamed, as `write_safetensors` does. Throws
/// `c10::ValueError`, before anything is written, if the path ends otherwise;
/// if the preparation has other tasks than the model, or the model cannot be
/// given what it makes of a row, or gives what is no answer; if a unit is of no
/// task; and for weights that the format lacks.
POLYTASK_API void export_for_inference(
    const MultiTaskModel& model,
    const data::Preparation& preparation,
    const std::string& path,
    const ExportOptions& options = {});

/// Of a model whose inputs are made by nobody, such as images; answers are the
/// heads' outputs.
POLYTASK_API void export_for_inference(
    const MultiTaskModel& model,
    const std::string& path,
    const ExportOptions& options = {});

/// A trained model with all that it needs to answer, from such a file. In eval
/// mode, without gradients. May be used by several threads at once where its
/// modules may.
///
/// ```cpp
/// polytask::io::InferenceModel model("rents.safetensors");
/// auto answers = model.predict(polytask::data::read_csv("flats.csv"));
/// std::cout << answers["rent"] << ' ' << model.unit("rent");
/// ```
class POLYTASK_API InferenceModel {
 public:
  /// Makes the networks that the file describes. Throws `c10::ValueError`, with
  /// the path, for a file that is none or is damaged, or of a newer kind, and
  /// for one without networks.
  explicit InferenceModel(const std::string& path);

  /// Gives the weights to networks that were made as they were for the
  /// training; the losses do not matter. Throws as well, and changes nothing of
  /// them, where the tasks, names, shapes or dtypes differ.
  InferenceModel(const std::string& path, const MultiTaskModel& networks);

  /// Each task's answers for raw rows, which need no targets: numbers in the
  /// target's unit, probabilities of classes, as `Preparation::answers` gives
  /// them, one for each row, on the host, in float or, of a model in double, in
  /// double. Takes so many rows at once. Throws
  /// `c10::ValueError`, by name, for rows that lack a column or hold another
  /// kind in it, and if the file has no preparation.
  torch::OrderedDict<std::string, at::Tensor> predict(
      const data::Table& rows, int64_t batch_size = 1024) const;
  /// The same for inputs that are made already, all at once.
  torch::OrderedDict<std::string, at::Tensor> predict(
      const Inputs& inputs) const;

  const std::vector<std::string>& tasks() const;
  /// Empty where it has none. Throws for an unknown task.
  std::string unit(const std::string& task) const;
  bool has_preparation() const;
  /// Throws where there is none.
  const data::Preparation& preparation() const;

  /// Moves the weights.
  void to(at::Device device);
  const MultiTaskModel& model() const;

 private:
  MultiTaskModel model_{nullptr};
  std::optional<data::Preparation> preparation_;
  std::map<std::string, std::string> units_;
};

} // namespace polytask::io
