// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "layer_chain.h"

#include <typeinfo>
#include <utility>

#include <polytask/sharing/hard_sharing.h>

#include "../autocast.h"

namespace polytask::detail {

std::unique_ptr<LayerChain> LayerChain::make(
    const MultiTaskModel& model, std::string& reason) {
  const Sharing& sharing = model->sharing();
  if (typeid(sharing) != typeid(HardSharingImpl)) {
    reason = "the engine does not know the layers of this sharing";
    return nullptr;
  }
  KnownLayers layers;
  const auto& trunk = static_cast<const HardSharingImpl&>(sharing).trunk();
  if (!append_known_layers(trunk.module(), layers, reason)) {
    return nullptr;
  }
  if (layers.empty()) {
    reason = "the trunk is empty";
    return nullptr;
  }
  std::unique_ptr<LayerChain> made(new LayerChain(std::move(layers)));
  made->parameters_ = trained(sharing.parameters());
  if (!made->has_parameters(made->parameters_)) {
    reason = "the trunk's layers are not where its parameters are registered";
    return nullptr;
  }
  return made;
}

LayerChain::LayerChain(KnownLayers layers) {
  for (auto& layer : layers) {
    Link link{std::move(layer), elements_, 0};
    for (const auto& parameter : link.layer->parameters()) {
      link.count += parameter.numel();
    }
    elements_ += link.count;
    const bool is_sent_again =
        link.count > 0 || (elements_ > 0 && link.layer->keeps_cotangents());
    links_.push_back(std::move(link));
    top_ = is_sent_again ? links_.size() : top_;
  }
}

bool LayerChain::has_parameters(
    const std::vector<torch::Tensor>& parameters) const {
  size_t place = 0;
  for (const Link& link : links_) {
    for (const auto& parameter : link.layer->parameters()) {
      if (place == parameters.size() || !parameters[place].is_same(parameter)) {
        return false;
      }
      ++place;
    }
  }
  return place == parameters.size();
}

Obstacle LayerChain::obstacle(
    const torch::Tensor& input, const torch::Tensor& like) const {
  if (!input.defined()) {
    return {"the input is several tensors"};
  }
  if (is_autocast_on(input.device().type())) {
    return {"autocast is on"};
  }
  if (input.layout() != at::kStrided || input.is_neg()) {
    return {"the input is not plain memory"};
  }
  if (input.requires_grad()) {
    return {"the input requires a gradient"};
  }
  if (input.dim() < 2) {
    return {"the input is not a batch of rows"};
  }
  for (const Link& link : links_) {
    if (auto found = link.layer->obstacle(like.scalar_type(), like.device())) {
      return found;
    }
  }
  if (!has_parameters(parameters_)) {
    return {"the trunk's layers are not where its parameters are registered"};
  }
  return {};
}

torch::Tensor LayerChain::forward(const torch::Tensor& input) {
  torch::NoGradGuard no_grad;
  torch::Tensor output = input;
  try {
    for (const Link& link : links_) {
      output = link.layer->forward(output);
    }
  } catch (const c10::Error&) {
    rethrow_with(c10::str(
        "HardSharing: the trunk cannot take an input of shape ",
        input.sizes(),
        ": "));
  }
  return output;
}

torch::Tensor LayerChain::descend(torch::Tensor cotangents, int64_t tasks) {
  torch::NoGradGuard no_grad;
  for (size_t i = links_.size(); top_ > 0 && i-- > top_;) {
    cotangents = cotangents.contiguous();
    links_[i].layer->mask(cotangents, tasks);
    cotangents = links_[i].layer->backward(cotangents, tasks);
  }
  return cotangents;
}

template <typename Visit>
void LayerChain::backward(
    torch::Tensor cotangents, int64_t tasks, const Visit& visit) {
  torch::NoGradGuard no_grad;
  for (size_t i = top_; i-- > 0;) {
    const Link& link = links_[i];
    cotangents = cotangents.contiguous();
    link.layer->mask(cotangents, tasks);
    if (link.count > 0) {
      visit(i, cotangents);
    }
    if (link.offset == 0) {
      return; // nothing below learns
    }
    cotangents = link.layer->backward(cotangents, tasks);
  }
}

void LayerChain::write_rows(
    const torch::Tensor& cotangents,
    int64_t tasks,
    const std::vector<torch::Tensor>& parts) {
  backward(cotangents, tasks, [&](size_t i, const torch::Tensor& slopes) {
    links_[i].layer->write_rows(slopes, parts[i]);
  });
}

void LayerChain::add_to_gramian(
    const torch::Tensor& cotangents, int64_t tasks, GramianSum& sum) {
  backward(cotangents, tasks, [&](size_t i, const torch::Tensor& slopes) {
    links_[i].layer->add_to_gramian(slopes, tasks, sum);
  });
}

std::vector<torch::Tensor> LayerChain::parts(const torch::Tensor& rows) const {
  std::vector<torch::Tensor> all;
  for (const Link& link : links_) {
    all.push_back(rows.narrow(1, link.offset, link.count));
  }
  return all;
}

KnownTrunk KnownTrunk::of(const MultiTaskModel& model, const Plan& plan) {
  if (plan.has_tied_modules()) {
    return {nullptr, "modules share a parameter"};
  }
  KnownTrunk trunk;
  trunk.chain = LayerChain::make(model, trunk.why_not);
  return trunk;
}

KnownLayer::Costs LayerChain::costs(int64_t tasks) const {
  KnownLayer::Costs sum;
  for (const Link& link : links_) {
    const auto own = link.layer->costs(tasks);
    sum.rows += own.rows;
    sum.gramian += own.gramian;
  }
  return sum;
}

} // namespace polytask::detail
