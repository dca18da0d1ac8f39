// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/copy_once.h"

namespace polytask::detail {

namespace {

thread_local CopyOnce::Copies* standing_copies = nullptr;

} // namespace

CopyOnce::CopyOnce() : is_outermost_(standing_copies == nullptr) {
  if (is_outermost_) {
    standing_copies = &own_;
  }
}

CopyOnce::~CopyOnce() {
  if (is_outermost_) {
    standing_copies = nullptr;
  }
}

CopyOnce::Copies* CopyOnce::copies() {
  return standing_copies;
}

} // namespace polytask::detail
