// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/experts/stem.h>

#include <c10/util/Exception.h>

#include <utility>

#include "core/archive_key.h"
#include "core/check.h"
#include "sharing/cloning.h"
#include "sharing/experts/expert_level.h"
#include "sharing/fresh_modules.h"
#include "sharing/like_rest.h"

namespace polytask {

namespace {

constexpr const char* kSharedEmbedding = "the shared embedding";

std::string embedding_of(const std::string& task) {
  return "the embedding of task '" + task + "'";
}

std::vector<detail::ExpertForm> stem_forms(const STEMOptions& options) {
  std::vector<detail::ExpertForm> forms;
  for (size_t i = 0; i < options.levels().size(); ++i) {
    const bool is_last = i + 1 == options.levels().size();
    forms.push_back(
        {.name = "STEM",
         .mixes_all = true,
         .has_shared_gate = !is_last,
         .stops_others = true,
         .adds_shared_state = true});
  }
  return forms;
}

} // namespace

STEMImpl::STEMImpl(const STEMOptions& options)
    : ExpertSharing(
          "STEM",
          options.levels(),
          stem_forms(options),
          options.own_parts_are_shared()),
      embedding_(options.embedding()),
      shared_input_(options.shared_input()) {
  if (embedding_) {
    task_embeddings_ = register_module(
        "task_embeddings", std::make_shared<torch::nn::Module>("Embeddings"));
    embeddings_.push_back(embedding_());
    known_modules().add(embeddings_.back(), kSharedEmbedding);
    register_module("shared_embedding", embeddings_.back().module());
  }
}

STEMImpl::STEMImpl(
    const STEMImpl& original, const std::optional<torch::Device>& device)
    : ExpertSharing(Copy(), original, device),
      embedding_(original.embedding_),
      shared_input_(original.shared_input_) {
  if (!embedding_) {
    return;
  }
  for (const Network& each : original.embeddings_) {
    embeddings_.push_back(each.clone(device));
  }
  task_embeddings_ = register_module(
      "task_embeddings", std::make_shared<torch::nn::Module>("Embeddings"));
  for (size_t t = 0; t + 1 < embeddings_.size(); ++t) {
    task_embeddings_->register_module(
        detail::archive_key(tasks()[t]), embeddings_[t].module());
    known_modules().note(embeddings_[t], embedding_of(tasks()[t]));
  }
  known_modules().note(embeddings_.back(), kSharedEmbedding);
  register_module("shared_embedding", embeddings_.back().module());
  detail::complete_clone(original, *this);
}

void STEMImpl::add_task(const std::string& name) {
  if (embedding_) {
    Network own = embedding_();
    auto made = detail::FreshModules::beside(known_modules());
    made.add(own, embedding_of(name));
    detail::make_like_rest(*this, *own.module());
    add_task_with(name, std::move(made));
    task_embeddings_->register_module(detail::archive_key(name), own.module());
    embeddings_.insert(embeddings_.end() - 1, std::move(own));
  } else {
    ExpertSharing::add_task(name);
  }
}

std::vector<Inputs> STEMImpl::first_states(
    const Inputs& inputs, const std::vector<bool>& wanted) {
  std::vector<Inputs> states(wanted.size(), Inputs(torch::Tensor()));
  for (size_t t = 0; t < wanted.size(); ++t) {
    if (!wanted[t]) {
      continue;
    }
    if (embedding_) {
      states[t] = embeddings_[t].forward(inputs);
      continue;
    }
    const std::string& key = t < tasks().size() ? tasks()[t] : shared_input_;
    TORCH_CHECK_VALUE(
        inputs.has(key),
        "STEM: expected a tensor for each task and '",
        shared_input_,
        "', but there is no '",
        key,
        "' among ",
        detail::quoted(inputs.names()),
        ".");
    states[t] = inputs[key];
  }
  return states;
}

std::vector<torch::Tensor> STEMImpl::first_parameters(
    const std::vector<bool>& wanted) const {
  std::vector<torch::Tensor> all;
  for (size_t t = 0; t < embeddings_.size(); ++t) {
    if (wanted[t]) {
      const auto own = embeddings_[t].module()->parameters();
      all.insert(all.end(), own.begin(), own.end());
    }
  }
  return all;
}

std::shared_ptr<torch::nn::Module> STEMImpl::clone(
    const std::optional<torch::Device>& device) const {
  return std::shared_ptr<STEMImpl>(new STEMImpl(*this, device));
}

} // namespace polytask
