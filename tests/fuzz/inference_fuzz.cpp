// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <string>

#include "io/inference/described_model.h"
#include "tests/fuzz/targets.h"

namespace polytask::fuzz {

void read_inference_bytes(std::string_view bytes) {
  constexpr int64_t kWeights = 100'000;
  using io::detail::DescribedModel;
  const auto described = DescribedModel::parse(std::string(bytes), kWeights);
  if (described.networks.is_empty()) {
    return;
  }
  const auto text = described.text(described.networks);
  const auto again = DescribedModel::parse(text, kWeights);
  expect(
      !again.networks.is_empty() && again.text(again.networks) == text,
      "a model is described as it was");
}

} // namespace polytask::fuzz
