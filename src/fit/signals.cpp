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

// Asked without a change: `std::signal` would lose another handler's flags.
bool is_default(int number) {
#if defined(_WIN32)
  const auto before = std::signal(number, SIG_DFL);
  std::signal(number, before);
  return before == SIG_DFL;
#else
  struct sigaction before {};
  return ::sigaction(number, nullptr, &before) == 0 &&
      (before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_DFL;
#endif
}

} // namespace

Signals::Signals(bool handle) {
  if (!handle || signals_are_handled.exchange(true)) {
    return;
  }
  noted_signal = 0;
  for (const int number : {SIGINT, SIGTERM}) {
    if (is_default(number)) {
      std::signal(number, polytask_note_signal);
      handled_.push_back(number);
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
