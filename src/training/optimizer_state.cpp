// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <c10/util/Exception.h>
#include <torch/serialize/input-archive.h>
#include <torch/serialize/output-archive.h>

#include <memory>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "core/archive.h"
#include "optim/optimizer_kind.h"
#include "training/state_checks.h"

namespace polytask::detail {

namespace {

using torch::optim::Optimizer;

// By their names, for equal shapes may stand in another order.
std::vector<std::string> held_parameters(
    const Optimizer& optimizer, const MultiTaskModel& model) {
  std::unordered_map<const void*, std::string> names;
  for (const auto& entry : model->named_parameters()) {
    names.emplace(entry.value().unsafeGetTensorImpl(), entry.key());
  }
  std::vector<std::string> held;
  size_t group = 0;
  for (const auto& each : optimizer.param_groups()) {
    for (const auto& parameter : each.params()) {
      held.push_back(c10::str(
          "group ",
          group,
          ": ",
          names[parameter.unsafeGetTensorImpl()],
          " ",
          parameter.scalar_type(),
          " ",
          parameter.sizes()));
    }
    ++group;
  }
  return held;
}

// Of all parameters; none where they are on several.
std::optional<at::Device> device_of(const Optimizer& optimizer) {
  std::optional<at::Device> device;
  for (const auto& group : optimizer.param_groups()) {
    for (const auto& parameter : group.params()) {
      if (device && *device != parameter.device()) {
        return std::nullopt;
      }
      device = parameter.device();
    }
  }
  return device;
}

// Puts an optimizer back unless told that all is well.
class OptimizerBackup {
 public:
  explicit OptimizerBackup(Optimizer& optimizer) : optimizer_(optimizer) {
    for (const auto& group : optimizer.param_groups()) {
      options_.push_back(group.options().clone());
    }
    // Loading leaves the state of a parameter that the archive has none of.
    std::swap(state_, optimizer.state());
  }
  OptimizerBackup(const OptimizerBackup&) = delete;
  OptimizerBackup& operator=(const OptimizerBackup&) = delete;
  ~OptimizerBackup() {
    if (is_kept_) {
      return;
    }
    std::swap(state_, optimizer_.state());
    for (size_t i = 0; i < options_.size(); ++i) {
      optimizer_.param_groups()[i].set_options(std::move(options_[i]));
    }
  }
  void keep() {
    is_kept_ = true;
  }

 private:
  Optimizer& optimizer_;
  std::vector<std::unique_ptr<torch::optim::OptimizerOptions>> options_;
  std::decay_t<decltype(std::declval<Optimizer&>().state())> state_;
  bool is_kept_ = false;
};

} // namespace

// Archives of LibTorch's optimizers and of the fused ones are the same.
void describe_optimizer(
    const Optimizer& optimizer,
    const MultiTaskModel& model,
    TrainingState& state) {
  state.optimizer = optim::detail::kind_of(optimizer);
  state.optimizer_parameters = held_parameters(optimizer, model);
  torch::serialize::OutputArchive archive;
  optimizer.save(archive);
  std::ostringstream stream;
  archive.save_to(stream);
  state.optimizer_archive = bytes_of_text(stream.str());
}

void load_optimizer(
    Optimizer& optimizer,
    const MultiTaskModel& model,
    const TrainingState& state) {
  const std::string kind = optim::detail::kind_of(optimizer);
  TORCH_CHECK_VALUE(
      state.optimizer == kind,
      "Training: expected a state with the optimizer '",
      kind,
      "', but it has '",
      state.optimizer,
      "'.");
  check_same_entries(
      "the optimizer's parameters",
      held_parameters(optimizer, model),
      state.optimizer_parameters);
  const at::Tensor& stored = state.optimizer_archive;
  TORCH_CHECK_VALUE(
      stored.defined() && stored.dim() == 1 &&
          stored.scalar_type() == at::kByte,
      "Training: expected the optimizer's archive as bytes.");
  OptimizerBackup backup(optimizer);
  try {
    const at::Tensor bytes = stored.to(at::kCPU).contiguous();
    torch::serialize::InputArchive archive;
    archive.load_from(
        reinterpret_cast<const char*>(bytes.const_data_ptr<uint8_t>()),
        static_cast<size_t>(bytes.numel()),
        device_of(optimizer));
    optimizer.load(archive);
  } catch (const c10::Error& error) {
    TORCH_CHECK_VALUE(
        false,
        "Training: the optimizer '",
        kind,
        "' cannot read its archive: ",
        error.what_without_backtrace());
  }
  backup.keep();
}

} // namespace polytask::detail
