// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>
#include <torch/version.h>

#include <algorithm>
#include <fstream>

#include "modes.h"

namespace polytask::benchmarks {

int peer(const Entry& entry, const PeerRun& options) {
  const auto contender = entry.make();
  contender->run(options.check_steps);
  const torch::Tensor after = contender->parameters().contiguous();
  std::ofstream(options.parameters, std::ios::binary)
      .write(
          static_cast<const char*>(after.const_data_ptr()),
          static_cast<std::streamsize>(after.nbytes()));
  std::vector<double> seconds;
  for (int64_t i = 0; i < options.repeats; ++i) {
    seconds.push_back(time_steps(entry, options.steps));
  }
  std::sort(seconds.begin(), seconds.end());
  const auto microseconds = [&](double time) {
    return 1e6 * time / static_cast<double>(options.steps);
  };
  fmt::print(
      R"({{"job": "{}", "contender": "{}", "min": {:.4f}, "median": {:.4f}, )"
      R"("version": "LibTorch {}"}})"
      "\n",
      entry.job,
      entry.contender,
      microseconds(seconds.front()),
      microseconds(seconds[seconds.size() / 2]),
      TORCH_VERSION);
  return 0;
}

} // namespace polytask::benchmarks
