// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "layer_chain.h"

#include <ATen/core/LegacyTypeDispatch.h>

#include <algorithm>
#include <typeinfo>
#include <utility>

#include <polytask/sharing/hard_sharing.h>

#include "../autocast.h"

namespace polytask::detail {

namespace {

constexpr const char* kNotRegistered =
    "layers are not where their parameters are registered";

// No handle is copied where there is nothing to do.
void make_contiguous(torch::Tensor& tensor) {
  if (!tensor.is_contiguous()) {
    tensor = tensor.contiguous();
  }
}

// Past autograd's dispatch too, which would record nothing.
struct WithoutAutograd {
  torch::NoGradGuard no_grad;
  at::AutoDispatchBelowADInplaceOrView below;
};

} // namespace

std::unique_ptr<LayerChain> LayerChain::make(
    KnownLayers layers,
    std::vector<torch::Tensor> registered,
    std::string& reason) {
  std::unique_ptr<LayerChain> made(new LayerChain(std::move(layers)));
  made->parameters_ = trained(registered);
  made->registered_ = std::move(registered);
  if (!made->has_parameters(made->parameters_)) {
    reason = kNotRegistered;
    return nullptr;
  }
  return made;
}

LayerChain::LayerChain(KnownLayers layers) {
  for (auto& layer : layers) {
    Link link{std::move(layer), elements_, 0};
    for (const auto* parameter : link.layer->parameters()) {
      link.count += parameter->numel();
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
    for (const auto* parameter : link.layer->parameters()) {
      if (place == parameters.size() ||
          !parameters[place].is_same(*parameter)) {
        return false;
      }
      ++place;
    }
  }
  return place == parameters.size();
}

Obstacle LayerChain::obstacle(const torch::Tensor& like) const {
  for (const Link& link : links_) {
    if (auto found = link.layer->obstacle(like.scalar_type(), like.device())) {
      return found;
    }
  }
  if (!has_parameters(parameters_)) {
    return {kNotRegistered};
  }
  return {};
}

bool LayerChain::draws() const {
  return std::ranges::any_of(
      links_, [](const Link& link) { return link.layer->draws(); });
}

torch::Tensor LayerChain::forward(const torch::Tensor& input) {
  const WithoutAutograd guard;
  torch::Tensor output = input;
  for (const Link& link : links_) {
    output = link.layer->forward(output);
  }
  make_contiguous(output);
  return output;
}

void LayerChain::mask(
    size_t link,
    torch::Tensor& cotangents,
    int64_t tasks,
    bool is_masked) const {
  make_contiguous(cotangents);
  if (!is_masked || link + 1 != links_.size()) {
    links_[link].layer->mask(cotangents, tasks);
  }
}

torch::Tensor LayerChain::descend(
    torch::Tensor cotangents, int64_t tasks, bool is_masked) {
  const WithoutAutograd guard;
  for (size_t i = links_.size(); top_ > 0 && i-- > top_;) {
    mask(i, cotangents, tasks, is_masked);
    cotangents = links_[i].layer->backward(cotangents, tasks);
  }
  return cotangents;
}

template <typename Visit>
void LayerChain::backward(
    torch::Tensor cotangents,
    int64_t tasks,
    bool is_masked,
    const Visit& visit) {
  const WithoutAutograd guard;
  for (size_t i = top_; i-- > 0;) {
    const Link& link = links_[i];
    mask(i, cotangents, tasks, is_masked);
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
    const std::vector<torch::Tensor>& parts,
    bool is_masked) {
  backward(
      cotangents, tasks, is_masked, [&](size_t i, const torch::Tensor& slopes) {
        links_[i].layer->write_rows(slopes, parts[i]);
      });
}

torch::Tensor LayerChain::send_through(
    torch::Tensor cotangents,
    int64_t tasks,
    const std::vector<torch::Tensor>& parts,
    bool is_masked) {
  const WithoutAutograd guard;
  for (size_t i = links_.size(); i-- > 0;) {
    const Link& link = links_[i];
    mask(i, cotangents, tasks, is_masked);
    if (link.count > 0) {
      link.layer->write_rows(cotangents, parts[i]);
    }
    cotangents = link.layer->backward(cotangents, tasks);
  }
  return cotangents;
}

void LayerChain::add_to_gramian(
    const torch::Tensor& cotangents, int64_t tasks, GramianSum& sum) {
  backward(
      cotangents,
      tasks,
      /*is_masked=*/false,
      [&](size_t i, const torch::Tensor& slopes) {
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

KnownLayer::Costs LayerChain::costs(int64_t tasks) const {
  KnownLayer::Costs sum;
  for (const Link& link : links_) {
    const auto own = link.layer->costs(tasks);
    sum.rows += own.rows;
    sum.gramian += own.gramian;
  }
  return sum;
}

KnownTrunk KnownTrunk::of(const MultiTaskModel& model, bool has_tied_modules) {
  const Sharing& sharing = model->sharing();
  KnownTrunk trunk;
  if (has_tied_modules) {
    trunk.why_not = "modules share a parameter";
    return trunk;
  }
  if (typeid(sharing) != typeid(HardSharingImpl)) {
    trunk.why_not = "the engine does not know the layers of this sharing";
    return trunk;
  }
  KnownLayers layers;
  const auto& whole = static_cast<const HardSharingImpl&>(sharing).trunk();
  if (!append_known_layers(whole.module(), layers, trunk.why_not)) {
    trunk.why_not = "the trunk has " + trunk.why_not;
  } else if (layers.empty()) {
    trunk.why_not = "the trunk is empty";
  } else {
    trunk.chain = LayerChain::make(
        std::move(layers), sharing.parameters(), trunk.why_not);
  }
  return trunk;
}

Obstacle KnownTrunk::obstacle(
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
  if (!input.is_floating_point() && !chain->takes_indices()) {
    return {"the input is neither of floating point nor indices"};
  }
  return chain->obstacle(like);
}

torch::Tensor KnownTrunk::forward(const torch::Tensor& input) const {
  try {
    return chain->forward(input);
  } catch (const c10::Error&) {
    rethrow_with(c10::str(
        "HardSharing: the trunk cannot take an input of shape ",
        input.sizes(),
        ": "));
  }
}

} // namespace polytask::detail
