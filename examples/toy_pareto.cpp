// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause

// Two objectives of two numbers, as in the papers on CAGrad and Nash-MTL: where
// balancing methods go from bad starts, as a table, as CSV and as a picture.

#include <fmt/format.h>
#include <polytask/polytask.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>

#include "toy/descent.h"
#include "toy/picture.h"

namespace {

struct Options {
  std::vector<std::string> methods = {
      "mean", "mgda", "pcgrad", "cagrad:c=0.5", "nash_mtl", "aligned_mtl", "upgrad", "imtl_g"};
  std::string protocol = "cagrad";
  std::vector<std::string> starts;
  int64_t steps = 0; // 0: as many as the protocol
  int64_t every = 100;
  std::string csv;
  std::string svg;
};

struct Protocol {
  std::vector<toy::Point> starts;
  int64_t steps;
  double objective_scale;
};

Protocol protocol_of(const std::string& name) {
  if (name == "cagrad") {
    return {{{-8.5, 7.5}, {-8.5, -5}, {9, 9}}, 100000, 1};
  }
  return {{{-8.5, 7.5}, {0, 0}, {9, 9}, {-7.5, -0.5}, {9, -1}}, 35000, 0.1};
}

std::vector<std::string> cut(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) {
    parts.push_back(part);
  }
  return parts;
}

// Nothing where the text is no number.
std::optional<double> number(const std::string& text) {
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  double value = 0;
  const bool whole = stream >> std::noskipws >> value && stream.peek() == EOF;
  return whole ? std::optional(value) : std::nullopt;
}

// "c=0.4", "method=pcgrad" or "weights=1/2".
std::pair<std::string, polytask::balancing::OptionValue> option(const std::string& text) {
  const auto parts = cut(text, '=');
  TORCH_CHECK_VALUE(
      parts.size() == 2, "--methods: expected <option>=<value>, but got '", text, "'.");
  if (const auto one = number(parts[1])) {
    return {parts[0], *one};
  }
  std::vector<double> list;
  for (const auto& part : cut(parts[1], '/')) {
    const auto one = number(part);
    if (!one) {
      return {parts[0], parts[1]};
    }
    list.push_back(*one);
  }
  return {parts[0], list};
}

// "cagrad" or "cagrad:c=0.4".
std::unique_ptr<polytask::balancing::Balancing> make_method(const std::string& text) {
  const auto parts = cut(text, ':');
  TORCH_CHECK_VALUE(!parts.empty(), "--methods: expected a name, but got '", text, "'.");
  polytask::balancing::OptionValues options;
  for (size_t i = 1; i < parts.size(); ++i) {
    options.insert(option(parts[i]));
  }
  return polytask::balancing::make(parts[0], options);
}

// "-8.5:7.5".
toy::Point start(const std::string& text) {
  const auto parts = cut(text, ':');
  const auto x1 = number(parts.empty() ? "" : parts[0]);
  const auto x2 = number(parts.size() == 2 ? parts[1] : "");
  TORCH_CHECK_VALUE(x1 && x2, "--starts: expected <x1>:<x2>, but got '", text, "'.");
  return {*x1, *x2};
}

void write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  TORCH_CHECK(file, "cannot write ", path, ".");
}

std::string csv(const std::vector<toy::Panel>& panels, double objective_scale) {
  std::string text = "method,start,step,x1,x2,loss1,loss2\n";
  for (const auto& panel : panels) {
    for (size_t s = 0; s < panel.paths.size(); ++s) {
      const auto& path = panel.paths[s];
      for (size_t i = 0; i < path.points.size(); ++i) {
        const auto& x = path.points[i];
        const auto losses = toy::evaluate(x, objective_scale).losses;
        text += fmt::format("{},{},{},{},{},{},{}\n", panel.title, s,
            static_cast<int64_t>(i) * path.every, x[0], x[1], losses[0], losses[1]);
      }
    }
  }
  return text;
}

void print(const toy::Panel& panel, double objective_scale) {
  for (const auto& path : panel.paths) {
    const auto& from = path.points.front();
    const auto& x = path.points.back();
    const auto losses = toy::evaluate(x, objective_scale).losses;
    fmt::print("{:16}{:7.1f}{:6.1f}{:11.4f}{:9.4f}{:11.4f}{:9.4f}\n", panel.title, from[0], from[1],
        x[0], x[1], losses[0], losses[1]);
  }
}

void run(const Options& options) {
  Protocol protocol = protocol_of(options.protocol);
  if (!options.starts.empty()) {
    protocol.starts.clear();
    for (const auto& text : options.starts) {
      protocol.starts.push_back(start(text));
    }
  }
  const int64_t steps = options.steps ? options.steps : protocol.steps;
  TORCH_CHECK_VALUE(steps % options.every == 0, "--every: expected a divisor of the ", steps,
      " steps, but got ", options.every, ".");
  std::vector<toy::Panel> panels;
  fmt::print("{:16}{:>13}{:>20}{:>20}\n", "", "start", "end", "objectives");
  for (const auto& name : options.methods) {
    const auto method = make_method(name);
    toy::Panel panel{name, {}};
    for (const auto& from : protocol.starts) {
      method->reset();
      panel.paths.push_back(toy::descend(*method,
          {.start = from,
              .steps = steps,
              .every = options.every,
              .objective_scale = protocol.objective_scale}));
    }
    print(panel, protocol.objective_scale);
    panels.push_back(std::move(panel));
  }
  if (!options.csv.empty()) {
    write(options.csv, csv(panels, protocol.objective_scale));
  }
  if (!options.svg.empty()) {
    write(options.svg, toy::draw(panels, protocol.objective_scale));
  }
}

} // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Follows balancing methods on two objectives of two numbers.");
  app.add_option("--methods", options.methods, "Such as mean,cagrad:c=0.4,upgrad")->delimiter(',');
  app.add_option("--protocol", options.protocol,
         "cagrad: 3 starts, 100000 steps; nash: 5 starts, 35000 steps, a tenth of objective 1")
      ->check(CLI::IsMember({"cagrad", "nash"}));
  app.add_option("--starts", options.starts, "Such as -8.5:7.5,9:9; else the protocol's")
      ->delimiter(',');
  app.add_option("--steps", options.steps, "Else the protocol's")->check(CLI::PositiveNumber);
  app.add_option("--every", options.every, "Steps from point to point")->check(CLI::PositiveNumber);
  app.add_option("--csv", options.csv, "A file for the points of all paths");
  app.add_option("--svg", options.svg, "A file for a picture with a panel for each method");
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
  } catch (const c10::Error& error) {
    fmt::print(stderr, "toy_pareto: {}\n", error.what_without_backtrace());
    return 1;
  }
}
