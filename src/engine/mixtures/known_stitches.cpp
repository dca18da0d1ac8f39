// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "known_stitches.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <typeinfo>
#include <utility>

#include "core/check.h"
#include "sharing/stage_columns.h"

#include "../kernels/rectify.h"
#include "../layers/chains_at_once.h"
#include "../layers/products.h"
#include "../program/parameter_obstacle.h"

namespace polytask::detail {

bool KnownStitches::is_kind(const Sharing& sharing) {
  return typeid(sharing) == typeid(CrossStitchImpl);
}

std::shared_ptr<KnownStitches> KnownStitches::make(
    const Sharing& sharing, std::string& reason) {
  const auto& given = static_cast<const CrossStitchImpl&>(sharing);
  if (!given.options().per_channel().empty()) {
    reason = "cross-stitch units have a number for each channel";
    return nullptr;
  }
  const StageColumns& columns = given.columns();
  std::shared_ptr<KnownStitches> known(new KnownStitches(sharing));
  known->names_ = given.tasks();
  known->steps_.resize(columns.stages());
  const auto units = given.stitches();
  bool learns = false;
  for (size_t i = 0; i < known->steps_.size(); ++i) {
    Step& step = known->steps_[i];
    step.learns_below = learns;
    for (size_t t = 0; t < columns.tasks(); ++t) {
      auto chain = PlacedChain::make(
          "a stage", columns.at(t, i).module(), known->places(), reason);
      if (!chain) {
        return nullptr;
      }
      learns = learns || chain->layers().learns();
      const bool is_rectified = chain->layers().is_rectified();
      step.stages.push_back({*std::move(chain), is_rectified});
    }
    if (i < units.size()) {
      step.unit =
          std::make_unique<Unit>(Unit{units[i], known->places().of(units[i])});
      step.unit->outputs.resize(columns.tasks());
      learns = learns || step.unit->place >= 0;
    }
  }
  return known;
}

Obstacle KnownStitches::obstacle_within(const torch::Tensor& like) const {
  for (const Step& step : steps_) {
    for (const Stage& stage : step.stages) {
      if (auto found = stage.chain.layers().obstacle(like)) {
        return found;
      }
    }
    if (!step.unit) {
      continue;
    }
    const torch::Tensor& weights = step.unit->weights;
    if (auto found =
            parameter_obstacle(weights, weights.sizes(), like.scalar_type())) {
      return found;
    }
  }
  return {};
}

void KnownStitches::want(const std::vector<int64_t>& tasks) {
  std::vector<bool> wanted(names_.size(), false);
  for (const int64_t task : tasks) {
    wanted[static_cast<size_t>(task)] = true;
  }
  for (size_t i = steps_.size(); i-- > 0;) {
    if (steps_[i].unit) {
      steps_[i].unit->is_wanted = wanted;
      wanted.assign(names_.size(), true);
    }
    for (size_t t = 0; t < names_.size(); ++t) {
      steps_[i].stages[t].is_wanted = wanted[t];
    }
  }
}

void KnownStitches::note_used(std::vector<torch::Tensor>& used) const {
  for (const Step& step : steps_) {
    for (const Stage& stage : step.stages) {
      if (stage.is_wanted) {
        const auto& own = stage.chain.layers().parameters();
        used.insert(used.end(), own.begin(), own.end());
      }
    }
    if (step.unit) {
      used.push_back(step.unit->weights);
    }
  }
}

void KnownStitches::check_shapes(size_t step) const {
  const auto& stages = steps_[step].stages;
  for (size_t t = 1; t < stages.size(); ++t) {
    TORCH_CHECK_VALUE(
        stages[t].output.sizes() == stages[0].output.sizes(),
        "CrossStitch: expected stage ",
        step,
        " to give every task one shape, but it gives '",
        names_[0],
        "' ",
        stages[0].output.sizes(),
        " and '",
        names_[t],
        "' ",
        stages[t].output.sizes(),
        ".");
  }
}

template <typename Scalar>
void KnownStitches::mix(Step& step) {
  Unit& unit = *step.unit;
  const torch::Tensor& like = step.stages[0].output;
  const int64_t rows = like.size(0);
  const auto* weights = unit.weights.template const_data_ptr<Scalar>();
  const size_t tasks = step.stages.size();
  auto& jobs = memory_.jobs<Scalar>();
  for (size_t t = 0; t < tasks; ++t) {
    if (!unit.is_wanted[t]) {
      continue;
    }
    reserve(unit.outputs[t], like.sizes(), like.options());
    jobs.mix(
        like.numel() / std::max<int64_t>(1, rows),
        nullptr,
        unit.outputs[t].template data_ptr<Scalar>());
    for (size_t u = 0; u < tasks; ++u) {
      jobs.term(
          {step.stages[u].output.template const_data_ptr<Scalar>(),
           nullptr,
           0,
           weights[t * tasks + u]});
    }
  }
  jobs.run(rows);
}

void KnownStitches::forward(size_t place) {
  auto& stages = steps_[place].stages;
  at_once_.clear();
  ChainsAtOnce chains;
  for (size_t t = 0; t < stages.size(); ++t) {
    if (stages[t].is_wanted) {
      at_once_.push_back(t);
      chains.add(stages[t].chain.layers(), states_[t]);
    }
  }
  chains.run([&](size_t i) {
    const size_t t = at_once_[i];
    try {
      stages[t].output = stages[t].chain.layers().forward(states_[t]);
    } catch (const c10::Error&) {
      rethrow_with(c10::str(
          "CrossStitch: stage ",
          place,
          " of task '",
          names_[t],
          "' cannot take an input of shape ",
          states_[t].sizes(),
          ": "));
    }
    states_[t] = stages[t].output;
  });
}

void KnownStitches::run(
    const torch::Tensor& input,
    const std::vector<int64_t>& tasks,
    bool /*is_differentiated*/,
    std::vector<torch::Tensor>& features) {
  const torch::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView below;
  states_.assign(names_.size(), input);
  for (size_t i = 0; i < steps_.size(); ++i) {
    Step& step = steps_[i];
    forward(i);
    if (step.unit) {
      check_shapes(i);
      as_real(
          input.scalar_type(), [&](auto zero) { mix<decltype(zero)>(step); });
      states_ = step.unit->outputs;
    }
  }
  for (const int64_t task : tasks) {
    features.push_back(states_[static_cast<size_t>(task)]);
  }
}

template <typename Scalar>
void KnownStitches::unmix(
    Step& step, std::vector<Reached>& reached, const torch::Tensor& rows) {
  Unit& unit = *step.unit;
  const torch::Tensor& like = step.stages[0].output;
  const int64_t size = like.numel();
  const int64_t batch = like.size(0);
  const int64_t width = size / std::max<int64_t>(1, batch);
  const auto tasks = static_cast<int64_t>(step.stages.size());
  auto& jobs = memory_.jobs<Scalar>();
  if (unit.place >= 0) {
    int64_t pairs = 0;
    for (const Reached& of : reached) {
      pairs += of.count;
    }
    reserve(unit.products, {pairs, batch, tasks}, like.options());
    auto* products = unit.products.template data_ptr<Scalar>();
    for (const Reached& of : reached) {
      for (int64_t i = 0; i < of.count; ++i, products += batch * tasks) {
        jobs.dot(width, of.of<Scalar>(of.first + i, size), products);
        for (const Stage& stage : step.stages) {
          jobs.matrix(stage.output.template const_data_ptr<Scalar>());
        }
      }
    }
  }
  const bool goes_on = step.learns_below ||
      std::ranges::any_of(step.stages, [](const Stage& stage) {
                         return stage.chain.layers().learns();
                       });
  Reached sent; // to each stage
  for (const Reached& of : reached) {
    sent.cover(of);
  }
  sent.count = goes_on ? sent.count : 0;
  auto shape = like.sizes().vec();
  shape[0] *= sent.count;
  const auto* weights = unit.weights.template const_data_ptr<Scalar>();
  for (int64_t u = 0; u < tasks; ++u) {
    Stage& stage = step.stages[static_cast<size_t>(u)];
    reserve(stage.cotangents, shape, like.options());
    for (int64_t i = 0; i < sent.count; ++i) {
      jobs.mix(
          width,
          stage.is_rectified ? stage.output.template const_data_ptr<Scalar>()
                             : nullptr,
          stage.cotangents.template data_ptr<Scalar>() + i * size);
      for (int64_t t = 0; t < tasks; ++t) {
        const Reached& of = reached[static_cast<size_t>(t)];
        if (of.has(sent.first + i)) {
          jobs.term(
              {of.of<Scalar>(sent.first + i, size),
               nullptr,
               0,
               weights[t * tasks + u]});
        }
      }
    }
  }
  jobs.run(batch);
  write_unit<Scalar>(unit, reached, rows);
  for (size_t u = 0; u < reached.size(); ++u) {
    reached[u] = sent;
    reached[u].values = step.stages[u].cotangents;
  }
}

template <typename Scalar>
void KnownStitches::write_unit(
    Unit& unit,
    const std::vector<Reached>& reached,
    const torch::Tensor& rows) {
  if (unit.place < 0) {
    return;
  }
  const int64_t batch = unit.products.size(1);
  const int64_t tasks = unit.products.size(2);
  rows.narrow(1, unit.place, tasks * tasks).zero_();
  const auto* products = unit.products.template const_data_ptr<Scalar>();
  for (int64_t t = 0; t < tasks; ++t) {
    const Reached& of = reached[static_cast<size_t>(t)];
    for (int64_t i = 0; i < of.count; ++i, products += batch * tasks) {
      sum_rows(
          products,
          batch,
          tasks,
          rows.template data_ptr<Scalar>() + (of.first + i) * rows.stride(0) +
              unit.place + t * tasks);
    }
  }
}

void KnownStitches::backward(
    const std::vector<torch::Tensor>& cotangents,
    const std::vector<int64_t>& losses,
    const torch::Tensor& rows) {
  const torch::NoGradGuard no_grad;
  const at::AutoDispatchBelowADInplaceOrView guard;
  std::vector<Reached> reached(names_.size());
  for (size_t i = 0; i < tasks().size(); ++i) {
    reached[static_cast<size_t>(tasks()[i])] = {cotangents[i], losses[i], 1};
  }
  for (size_t i = steps_.size(); i-- > 0;) {
    Step& step = steps_[i];
    if (step.unit) {
      as_real(rows.scalar_type(), [&](auto zero) {
        unmix<decltype(zero)>(step, reached, rows);
      });
    }
    at_once_.clear();
    ChainsAtOnce chains;
    for (size_t t = 0; t < names_.size(); ++t) {
      if (reached[t].count > 0) {
        at_once_.push_back(t);
        chains.add(step.stages[t].chain.layers(), reached[t].values);
      }
    }
    chains.run([&](size_t place) {
      const size_t t = at_once_[place];
      Stage& stage = step.stages[t];
      // A unit leaves out what the stage's ReLU stops.
      reached[t].values = stage.chain.write(
          reached[t],
          rows,
          step.learns_below,
          stage.is_rectified && step.unit != nullptr);
    });
    if (!step.learns_below) {
      return;
    }
  }
}

} // namespace polytask::detail
