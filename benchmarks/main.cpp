// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <torch/utils.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "balanced_network.h"
#include "generic.h"
#include "linear_tasks.h"
#include "mixtures.h"
#include "modes.h"
#include "optimizers.h"
#include "predictions.h"
#include "real_networks.h"
#include "shared_network.h"
#include "stitches.h"

namespace polytask::benchmarks {

namespace {

Entries all_entries(const DataFolder& data) {
  Entries entries;
  add_linear_tasks(entries, data);
  add_shared_networks(entries, data);
  add_balanced_networks(entries, data);
  add_mixtures(entries, data);
  add_stitches(entries);
  add_predictions(entries);
  add_optimizers(entries);
  add_generic(entries);
  add_real_networks(entries);
  return entries;
}

const Entry& find_entry(const Entries& entries, const std::string& name) {
  for (const Entry& entry : entries) {
    if (entry.job + "/" + entry.contender == name) {
      return entry;
    }
  }
  throw CLI::ValidationError("there is no contender " + name);
}

int run_program(int argc, char** argv) {
  CLI::App app{
      "Measures polytask against hand-written LibTorch loops. Without a mode "
      "all contenders are timed; options of google-benchmark may follow."};
  app.allow_extras();
  int threads = 1;
  bool markdown = false;
  bool checking = false;
  bool memory_table = false;
  bool growth_table = false;
  bool weights_table = false;
  std::string data;
  std::string memory_contender;
  std::string peer_contender;
  PeerRun peer_run;
  app.add_option("--threads", threads, "Threads of LibTorch");
  app.add_flag("--markdown", markdown, "Print tables in Markdown");
  app.add_flag(
      "--check",
      checking,
      "Compare parameters after 20 steps with those of the loop, or of a "
      "balancing's autograd route");
  app.add_flag("--memory", memory_table, "Peak memory of some jobs");
  app.add_flag("--growth", growth_table, "Times against T, B and d, as CSV");
  app.add_flag("--weights", weights_table, "One call of every method");
  app.add_option("--memory-of", memory_contender, "Of one job/contender");
  app.add_option("--peer", peer_contender, "Run one job/contender");
  app.add_option("--data", data, "Folder that peers/jobs.py wrote");
  app.add_option("--parameters", peer_run.parameters, "File for parameters");
  app.add_option("--check-steps", peer_run.check_steps, "Steps until then");
  app.add_option("--steps", peer_run.steps, "Steps of a timed run");
  app.add_option("--repeats", peer_run.repeats, "Timed runs");
  CLI11_PARSE(app, argc, argv);

  torch::set_num_threads(threads);
  const Entries entries = all_entries(data);
  if (checking) {
    return check(entries);
  }
  if (memory_table) {
    return memory(entries);
  }
  if (weights_table) {
    return weights(data);
  }
  if (growth_table) {
    return growth();
  }
  if (!memory_contender.empty()) {
    return memory_of(find_entry(entries, memory_contender));
  }
  if (!peer_contender.empty()) {
    return peer(find_entry(entries, peer_contender), peer_run);
  }
  std::vector<std::string> rest = app.remaining();
  std::vector<char*> arguments{argv[0]};
  for (std::string& argument : rest) {
    arguments.push_back(argument.data());
  }
  return measure(entries, arguments, markdown);
}

} // namespace

} // namespace polytask::benchmarks

int main(int argc, char** argv) {
  return polytask::benchmarks::run_program(argc, argv);
}
