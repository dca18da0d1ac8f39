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
bool is_handler(int number, void (*handler)(int)) {
#if defined(_WIN32)
  const auto now = std::signal(number, SIG_DFL);
  std::signal(number, now);
  return now == handler;
#else
  struct sigaction now {};
  return ::sigaction(number, nullptr, &now) == 0 &&
      (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == handler;
#endif
}

} // namespace

Signals::Signals(bool handle) {
  if (!handle || signals_are_handled.exchange(true)) {
    return;
  }
  noted_signal = 0;
  for (const int number : {SIGINT, SIGTERM}) {
    if (is_handler(number, SIG_DFL)) {
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
    if (is_handler(number, polytask_note_signal)) {
      std::signal(number, SIG_DFL);
    }
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
