// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/inference/described_model.h"

#include <c10/util/Exception.h>
#include <polytask/core/random_state.h>
#include <polytask/core/version.h>
#include <polytask/task/losses/mse.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <utility>

#include "core/json_checks.h"
#include "io/inference/described_layer.h"

namespace polytask::io::detail {

namespace {

constexpr int64_t kInferenceVersion = 1;

// What layers are made with is drawn at random; whoever trains meanwhile is to
// draw what they would have drawn.
class KeptRandomState {
 public:
  KeptRandomState() = default;
  ~KeptRandomState() {
    state_.restore();
  }
  KeptRandomState(const KeptRandomState&) = delete;
  KeptRandomState& operator=(const KeptRandomState&) = delete;

 private:
  RandomState state_ = RandomState::capture();
};

// Losses are of no use to whoever reads it.
Task task_of(Network head) {
  return {std::move(head), MSELoss()};
}

LayerJson describe(const MultiTaskModel& model) {
  const Sharing& sharing = model->sharing();
  LayerJson trunk;
  if (typeid(sharing) == typeid(HardSharingImpl)) {
    trunk = describe_network(
        *dynamic_cast<const HardSharingImpl&>(sharing).trunk().module());
    if (trunk.is_null()) {
      return nullptr;
    }
  } else if (typeid(sharing) != typeid(NoSharingImpl)) {
    return nullptr;
  }
  LayerJson heads = LayerJson::object();
  for (const auto& name : model->task_names()) {
    LayerJson head = describe_network(*model->task(name).head().module());
    if (head.is_null()) {
      return nullptr;
    }
    heads[name] = std::move(head);
  }
  return {{"trunk", std::move(trunk)}, {"heads", std::move(heads)}};
}

MultiTaskModel make(
    const LayerJson& networks,
    const std::vector<std::string>& tasks,
    double weights) {
  const KeptRandomState kept;
  const LayerJson& trunk = networks.at("trunk");
  MultiTaskModel model = trunk.is_null()
      ? MultiTaskModel()
      : MultiTaskModel(HardSharing(network_of(trunk, weights)));
  for (const auto& task : tasks) {
    model->add_task(
        task, task_of(network_of(networks.at("heads").at(task), weights)));
  }
  return model;
}

bool have_same_weights(const MultiTaskModel& a, const MultiTaskModel& b) {
  const auto same = [](const auto& some, const auto& others) {
    return std::equal(
        some.begin(),
        some.end(),
        others.begin(),
        others.end(),
        [](const auto& one, const auto& other) {
          return one.key() == other.key() &&
              one.value().sizes() == other.value().sizes();
        });
  };
  return same(a->named_parameters(), b->named_parameters()) &&
      same(a->named_buffers(), b->named_buffers());
}

// Null where it would not give the model's networks back, as where somebody
// has put a weight of another shape into a layer.
LayerJson describe_if_true(const MultiTaskModel& model) {
  constexpr double kAsMany = std::numeric_limits<double>::infinity();
  LayerJson networks = describe(model);
  return networks.is_null() ||
          have_same_weights(model, make(networks, model->task_names(), kAsMany))
      ? networks
      : LayerJson();
}

std::string own_version() {
  return c10::str(
      POLYTASK_VERSION_MAJOR,
      ".",
      POLYTASK_VERSION_MINOR,
      ".",
      POLYTASK_VERSION_PATCH);
}

// nlohmann-json goes down by recursion where it writes.
LayerJson parse_flat(const std::string& text) {
  constexpr size_t kDeepest = 1000;
  TORCH_CHECK_VALUE(
      polytask::detail::json_depth(text) <= kDeepest,
      "it has more than ",
      kDeepest,
      " lists in one another.");
  return LayerJson::parse(text);
}

DescribedModel parse_json(const std::string& text, double weights) {
  const auto description = parse_flat(text);
  const int64_t version =
      polytask::detail::json_integer(description.at("version"));
  TORCH_CHECK_VALUE(
      version == kInferenceVersion,
      "it is of version ",
      version,
      ", which polytask ",
      description.value("polytask", "of a newer kind"),
      " wrote; this one reads version ",
      kInferenceVersion,
      ".");
  DescribedModel described;
  for (const auto& task : description.at("tasks")) {
    described.tasks.push_back(task.at("name").get<std::string>());
    const auto unit = task.value("unit", "");
    if (!unit.empty()) {
      described.units[described.tasks.back()] = unit;
    }
  }
  if (!description.at("preparation").is_null()) {
    described.preparation =
        data::Preparation::from_json(description.at("preparation").dump());
  }
  if (!description.at("networks").is_null()) {
    described.networks =
        make(description.at("networks"), described.tasks, weights);
  }
  return described;
}

} // namespace

std::string DescribedModel::text(const MultiTaskModel& model) const {
  LayerJson list = LayerJson::array();
  for (const auto& task : tasks) {
    const auto unit = units.find(task);
    list.push_back(
        {{"name", task}, {"unit", unit == units.end() ? "" : unit->second}});
  }
  const LayerJson description = {
      {"version", kInferenceVersion},
      {"polytask", own_version()},
      {"tasks", list},
      {"preparation",
       preparation ? LayerJson::parse(preparation->json()) : LayerJson()},
      {"networks", describe_if_true(model)}};
  try {
    return description.dump();
  } catch (const nlohmann::json::exception& error) {
    TORCH_CHECK_VALUE(false, "a name or unit is not UTF-8: ", error.what());
  }
}

DescribedModel DescribedModel::parse(const std::string& text, double weights) {
  try {
    return parse_json(text, weights);
  } catch (const nlohmann::json::exception& error) {
    TORCH_CHECK_VALUE(false, "it does not say what it is: ", error.what());
  }
}

} // namespace polytask::io::detail
