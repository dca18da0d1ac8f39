// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/distributed/process_group.h>

#include <c10/util/Exception.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "one_process.h"

namespace polytask::distributed {

namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? std::optional<std::string>(value)
                                            : std::nullopt;
}

std::string needed(const char* name) {
  auto value = variable(name);
  TORCH_CHECK_VALUE(
      value,
      "distributed::from_environment: the variable ",
      name,
      " is not set; torchrun sets it, other launchers need it set by hand.");
  return *std::move(value);
}

int64_t number(const char* name, int64_t first, int64_t last) {
  const std::string text = needed(name);
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  TORCH_CHECK_VALUE(
      error == std::errc() && stop == end && value >= first && value <= last,
      "distributed::from_environment: expected a number from ",
      first,
      " to ",
      last,
      " in ",
      name,
      ", but got '",
      text,
      "'.");
  return value;
}

// Who tells a process its rank and their number.
struct Launcher {
  const char* rank;
  const char* size;
};

std::optional<Launcher> launcher() {
  for (const Launcher& known :
       {Launcher{"RANK", "WORLD_SIZE"},
        Launcher{"SLURM_PROCID", "SLURM_NTASKS"},
        Launcher{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}}) {
    if (variable(known.rank) || variable(known.size)) {
      return known;
    }
  }
  return {};
}

// Those who call this together, each time and after each restart.
std::string own_prefix() {
  static std::atomic<int> calls{0};
  return "polytask/" + variable("TORCHELASTIC_RESTART_COUNT").value_or("0") +
      "/" + std::to_string(calls++);
}

} // namespace

std::shared_ptr<Communicator> from_environment(
    const ProcessGroupOptions& options) {
  const auto found = launcher();
  if (!found) {
    return std::make_shared<detail::OneProcess>();
  }
  constexpr int64_t kMostRanks = 1 << 20;
  const int64_t size = number(found->size, 1, kMostRanks);
  const int64_t rank = number(found->rank, 0, size - 1);
  if (size == 1) {
    return std::make_shared<detail::OneProcess>();
  }
  const std::string address = needed("MASTER_ADDR");
  const bool has_agent =
      variable("TORCHELASTIC_USE_AGENT_STORE").value_or("") == "True";
  c10d::TCPStoreOptions own;
  own.port = static_cast<std::uint16_t>(number("MASTER_PORT", 1, 65535));
  own.isServer = rank == 0 && !has_agent;
  own.timeout = options.timeout();
  own.waitWorkers = false;
  own.useLibUV = false; // which not every build of LibTorch has
  try {
    return from_store(
        c10::make_intrusive<c10d::PrefixStore>(
            own_prefix(), c10::make_intrusive<c10d::TCPStore>(address, own)),
        rank,
        size,
        options);
  } catch (const c10::DistError& error) {
    C10_THROW_ERROR(
        DistError,
        c10::str(
            "distributed::from_environment: rank ",
            rank,
            " of ",
            size,
            " at ",
            address,
            ":",
            own.port,
            ": ",
            error.what_without_backtrace()));
  }
}

} // namespace polytask::distributed
