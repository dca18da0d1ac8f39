// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "model/weights_archive.h"

#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>

#include "core/archive_key.h"
#include "model/archive_layout.h"

namespace polytask::detail {

namespace {

using torch::serialize::OutputArchive;
using Weights = std::map<std::string, at::Tensor>;

// Those whose names begin with `prefix`, which are one after the other in the
// order of a map.
void write_level(
    Weights::const_iterator& next,
    const Weights::const_iterator& end,
    const std::string& prefix,
    OutputArchive& archive) {
  while (next != end && next->first.starts_with(prefix)) {
    const std::string& name = next->first;
    const size_t dot = name.find('.', prefix.size());
    if (dot == std::string::npos) {
      archive.write(name.substr(prefix.size()), c10::IValue(next->second));
      ++next;
      continue;
    }
    const std::string module = name.substr(prefix.size(), dot - prefix.size());
    OutputArchive child(archive.compilation_unit());
    write_level(next, end, name.substr(0, dot + 1), child);
    archive.write(prefix == "tasks." ? archive_key(module) : module, child);
  }
}

} // namespace

void write_weights(const Weights& weights, OutputArchive& archive) {
  auto next = weights.begin();
  write_level(next, weights.end(), "", archive);
}

bool saves_weights_alone(
    const MultiTaskModelImpl& model, const Weights& weights) {
  auto own = written_by([&](OutputArchive& to) { model.save(to); });
  // Shapes and dtypes are all that is compared: one element for each tensor.
  Weights forms;
  for (const auto& [name, weight] : weights) {
    forms.emplace(name, at::zeros({}, weight.options()).expand(weight.sizes()));
  }
  auto alone = written_by([&](OutputArchive& to) {
    write_task_state(model, to);
    write_weights(forms, to);
  });
  try {
    fit_archive(own, alone, {}, [](const std::string& prefix, const auto& key) {
      return prefix + key;
    });
    return true;
  } catch (const c10::Error&) {
    return false;
  }
}

} // namespace polytask::detail
