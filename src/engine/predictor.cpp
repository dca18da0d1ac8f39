// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/engine/predictor.h>

#include <c10/util/Exception.h>

#include <optional>
#include <utility>

#include <typeinfo>

#include <polytask/sharing/no_sharing.h>

#include "core/check.h"

#include "core/tensor_sets.h"
#include "mixtures/known_sharing.h"
#include "plan/identity.h"

namespace polytask {

class Predictor::Parts {
 public:
  explicit Parts(MultiTaskModel model) : model_(std::move(model)) {
    TORCH_CHECK_VALUE(
        !model_.is_empty() && model_->size() > 0,
        "Predictor: expected a model with a task, but got ",
        model_.is_empty() ? "none." : "one without.");
  }

  const std::vector<at::Tensor>& predict(const Inputs& input) {
    const torch::NoGradGuard no_grad;
    all_.resize(static_cast<size_t>(model_->size()));
    for (size_t task = 0; task < all_.size(); ++task) {
      all_[task] = static_cast<int64_t>(task);
    }
    outputs_.clear();
    if (takes(input)) {
      run(input.tensor(), all_);
    } else {
      for (const auto& output : model_->forward(input)) {
        outputs_.push_back(output.value());
      }
    }
    return outputs_;
  }

  const at::Tensor& predict(const Inputs& input, const std::string& task) {
    const torch::NoGradGuard no_grad;
    all_.assign(1, model_->index(task));
    outputs_.clear();
    if (takes(input)) {
      run(input.tensor(), all_);
    } else {
      outputs_.push_back(model_->forward_task(input, task));
    }
    return outputs_[0];
  }

  const RouteChoice& route() const {
    return route_;
  }

 private:
  using Chain = std::shared_ptr<detail::LayerChain>;

  // Why it cannot, where it cannot.
  std::string look_at_model() {
    known_ = {};
    heads_.clear();
    const auto parameters = model_->parameters();
    like_ = parameters.empty() ? at::Tensor() : parameters.front();
    if (!like_.defined()) {
      return "the model has no parameter";
    }
    const bool has_tied =
        detail::unique_tensors(parameters).size() != parameters.size();
    known_ = detail::KnownSharing::of(model_, has_tied);
    const Sharing& sharing = model_->sharing();
    shares_nothing_ = typeid(sharing) == typeid(NoSharingImpl);
    if (!known_.trunk.chain && !known_.mixtures && !shares_nothing_) {
      return known_.trunk.why_not;
    }
    for (int64_t task = 0; task < model_->size(); ++task) {
      std::string reason;
      detail::KnownLayers layers;
      const auto& head = model_->task(task).head().module();
      Chain chain;
      if (detail::append_known_layers(head, layers, reason) &&
          !layers.empty()) {
        chain = detail::LayerChain::make(
            std::move(layers), head->parameters(), reason);
      }
      if (!chain) {
        return "the head of task '" +
            model_->task_names()[static_cast<size_t>(task)] + "' has " + reason;
      }
      heads_.push_back(std::move(chain));
    }
    return "";
  }

  bool takes(const Inputs& input) {
    if (!identity_ || version_ != model_->structure_version() ||
        !identity_->is_of(model_)) {
      why_not_ = look_at_model();
      identity_.emplace(model_);
      version_ = model_->structure_version();
    }
    std::string why_not = why_not_.empty() ? obstacle(input) : why_not_;
    if (why_not.empty()) {
      if (route_.route != Route::kTrunkProgram) {
        route_ = {Route::kTrunkProgram, "everything is made of known layers"};
      }
      return true;
    }
    route_ = {Route::kAutograd, std::move(why_not)};
    return false;
  }

  std::string obstacle(const Inputs& inputs) const {
    if (!inputs.is_tensor()) {
      return "the input is several tensors";
    }
    const at::Tensor& input = inputs.tensor();
    if (!input.defined() || !input.device().is_cpu()) {
      return "the input is not on the CPU";
    }
    if (shares_nothing_ && input.scalar_type() != like_.scalar_type()) {
      return "the input is of another dtype";
    }
    detail::Obstacle found;
    if (known_.mixtures) {
      found = known_.mixtures->obstacle(input, like_);
    } else if (known_.trunk.chain) {
      found = known_.trunk.obstacle(input, like_);
    } else if (input.dim() < 2 || input.layout() != at::kStrided) {
      found = {"the input is not a batch of rows"};
    }
    for (const int64_t task : all_) {
      if (found) {
        break;
      }
      found = heads_[static_cast<size_t>(task)]->obstacle(like_);
    }
    return found.reason;
  }

  void run(const at::Tensor& input, const std::vector<int64_t>& tasks) {
    if (known_.mixtures) {
      const auto& features =
          known_.mixtures->forward(input, tasks, /*is_differentiated=*/false);
      for (size_t i = 0; i < tasks.size(); ++i) {
        add(tasks[i], features[i]);
      }
      return;
    }
    const at::Tensor features =
        shares_nothing_ ? input : known_.trunk.forward(input);
    for (const int64_t task : tasks) {
      add(task, features);
    }
  }

  void add(int64_t task, const at::Tensor& features) {
    try {
      outputs_.push_back(heads_[static_cast<size_t>(task)]->forward(features));
    } catch (const c10::Error&) {
      detail::rethrow_with(c10::str(
          "Task '",
          model_->task_names()[static_cast<size_t>(task)],
          "': the head cannot take features of shape ",
          features.sizes(),
          ": "));
    }
  }

  MultiTaskModel model_;
  std::optional<detail::Identity> identity_;
  int64_t version_ = 0;
  at::Tensor like_;
  detail::KnownSharing known_;
  bool shares_nothing_ = false;
  std::vector<Chain> heads_; // by task
  std::string why_not_;
  RouteChoice route_;
  std::vector<int64_t> all_;
  std::vector<at::Tensor> outputs_;
};

Predictor::Predictor(MultiTaskModel model)
    : parts_(std::make_unique<Parts>(std::move(model))) {}
Predictor::Predictor(Predictor&& other) noexcept = default;
Predictor& Predictor::operator=(Predictor&& other) noexcept = default;
Predictor::~Predictor() = default;

const std::vector<at::Tensor>& Predictor::predict(const Inputs& input) {
  return parts_->predict(input);
}

const at::Tensor& Predictor::predict(
    const Inputs& input, const std::string& task) {
  return parts_->predict(input, task);
}

const RouteChoice& Predictor::route() const {
  return parts_->route();
}

} // namespace polytask
