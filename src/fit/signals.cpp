// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "fit/signals.h"

#include <atomic>
#include <csignal>

namespace polytask::fit::detail {

namespace {

std::atomic<int> noted_signal{0};
std::atomic<bool> signals_are_handled{false};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void polytask_note_signal(int number) {
  noted_signal.store(number, std::memory_order_relaxed);
  // The next one is the system's.
  std::signal(number, SIG_DFL);
}

} // namespace

Signals::Signals(bool handle) {
  if (!handle || signals_are_handled.exchange(true)) {
    return;
  }
  noted_signal = 0;
  for (const int number : {SIGINT, SIGTERM}) {
    const auto before = std::signal(number, polytask_note_signal);
    if (before == SIG_DFL) {
      handled_.push_back(number);
    } else {
      std::signal(number, before);
    }
  }
  if (handled_.empty()) {
    signals_are_handled = false;
  }
}

Signals::~Signals() {
  if (handled_.empty()) {
    return;
  }
  for (const int number : handled_) {
    std::signal(number, SIG_DFL);
  }
  noted_signal = 0;
  signals_are_handled = false;
}

bool Signals::came() {
  return noted_signal.load(std::memory_order_relaxed) != 0;
}

std::string Signals::name() {
  const int number = noted_signal;
  return number == SIGINT ? "SIGINT" : number == SIGTERM ? "SIGTERM" : "";
}

} // namespace polytask::fit::detail
