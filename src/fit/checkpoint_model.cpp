// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/checkpoint_model.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/ops/empty_strided.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <algorithm>
#include <unordered_set>

#include "io/safetensors_writer.h"
#include "model/archive_layout.h"
#include "model/weights_archive.h"

namespace polytask::fit::detail {

namespace {

using torch::serialize::InputArchive;
using torch::serialize::OutputArchive;

constexpr auto kModel = "model";
constexpr auto kAreWeightsApart = "weights_apart";
constexpr auto kStrides = "weights_strides";

using Strides = c10::Dict<std::string, c10::List<int64_t>>;

std::map<std::string, at::Tensor> by_all_names(
    const io::detail::StoredWeights& stored) {
  std::map<std::string, at::Tensor> weights;
  for (const auto& item : stored.tensors) {
    weights.emplace(item.key(), item.value());
  }
  for (const auto& [name, target] : stored.aliases) {
    weights.emplace(name, stored.tensors[target]);
  }
  return weights;
}

bool can_be_stored(const at::Tensor& tensor) {
  return io::detail::safetensors_fault(tensor).empty();
}

// Each has memory of its own, which safetensors hold as it is but for the
// order. Where two share some, they would not when they are read.
bool can_stand_apart(const io::detail::StoredWeights& weights) {
  std::unordered_set<const c10::StorageImpl*> seen;
  const auto values = weights.tensors.values();
  return std::all_of(values.begin(), values.end(), [&](const auto& tensor) {
    return can_be_stored(tensor) && tensor.is_non_overlapping_and_dense() &&
        seen.insert(tensor.storage().unsafeGetStorageImpl()).second;
  });
}

// Of those that are not in the order of safetensors, as channels-last ones:
// sums over another order are rounded to other bits.
Strides strides_of(const io::detail::StoredWeights& weights) {
  Strides strides;
  for (const auto& [name, tensor] : by_all_names(weights)) {
    if (!tensor.is_contiguous()) {
      strides.insert(name, c10::List<int64_t>(tensor.strides()));
    }
  }
  return strides;
}

std::map<std::string, at::Tensor> in_their_order(
    std::map<std::string, at::Tensor> weights, const c10::IValue& strides) {
  for (const auto& entry : strides.toGenericDict()) {
    const auto found = weights.find(entry.key().toStringRef());
    if (found != weights.end()) {
      const at::Tensor& weight = found->second;
      found->second =
          at::empty_strided(
              weight.sizes(), entry.value().toIntVector(), weight.options())
              .copy_(weight);
    }
  }
  return weights;
}

// LibTorch cannot take one out.
void keep_what_can_be_stored(io::detail::StoredWeights& weights) {
  io::detail::StoredWeights kept;
  for (const auto& item : weights.tensors) {
    if (can_be_stored(item.value())) {
      kept.tensors.insert(item.key(), item.value());
    }
  }
  for (const auto& alias : weights.aliases) {
    if (kept.tensors.contains(alias.second)) {
      kept.aliases.insert(alias);
    }
  }
  weights = std::move(kept);
}

} // namespace

bool CheckpointModel::is_whole(
    const MultiTaskModelImpl& model, const io::detail::StoredWeights& weights) {
  if (!can_stand_apart(weights)) {
    return true;
  }
  auto modules = model.modules(/*include_self=*/false);
  if (modules != modules_) {
    is_whole_ =
        !polytask::detail::saves_weights_alone(model, by_all_names(weights));
    modules_ = std::move(modules);
  }
  return is_whole_;
}

io::detail::StoredWeights CheckpointModel::save(
    const MultiTaskModelImpl& model, OutputArchive& archive) {
  auto weights = io::detail::stored_weights(model);
  if (is_whole(model, weights)) {
    keep_what_can_be_stored(weights);
    save_whole(model, archive);
    return weights;
  }
  OutputArchive child(archive.compilation_unit());
  polytask::detail::write_task_state(model, child);
  archive.write(kModel, child);
  archive.write(kAreWeightsApart, c10::IValue(true));
  archive.write(kStrides, c10::IValue(strides_of(weights)));
  return weights;
}

void CheckpointModel::save_whole(
    const MultiTaskModelImpl& model, OutputArchive& archive) {
  OutputArchive child(archive.compilation_unit());
  model.save(child);
  archive.write(kModel, child);
}

void CheckpointModel::load(
    InputArchive& archive,
    const std::map<std::string, at::Tensor>& weights,
    MultiTaskModelImpl& model) {
  InputArchive child;
  archive.read(kModel, child);
  c10::IValue are_apart;
  if (archive.try_read(kAreWeightsApart, are_apart)) {
    c10::IValue strides;
    archive.read(kStrides, strides);
    child = polytask::detail::written_by([&](OutputArchive& whole) {
      for (const auto& key : child.keys()) {
        c10::IValue value;
        child.read(key, value);
        whole.write(key, value);
      }
      polytask::detail::write_weights(in_their_order(weights, strides), whole);
    });
  }
  model.load(child);
}

} // namespace polytask::fit::detail
