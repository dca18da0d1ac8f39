// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/check.h"
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace polytask {
namespace {

// The message of `action`'s error, rethrown as a `Kind`.
template <typename Kind, typename Action>
std::string rethrown(const Action& action) {
  try {
    try {
      action();
    } catch (...) {
      detail::rethrow_with("Task 'a': ");
    }
  } catch (const Kind& error) {
    return error.what_without_backtrace();
  }
  return "";
}

TEST(RethrowWith, KeepsValueErrors) {
  EXPECT_EQ(
      rethrown<c10::ValueError>([] { TORCH_CHECK_VALUE(false, "too large"); }),
      "Task 'a': too large");
}

TEST(RethrowWith, KeepsTypeErrors) {
  EXPECT_EQ(
      rethrown<c10::TypeError>([] { TORCH_CHECK_TYPE(false, "not a tensor"); }),
      "Task 'a': not a tensor");
}

TEST(RethrowWith, KeepsIndexErrors) {
  EXPECT_EQ(
      rethrown<c10::IndexError>([] { TORCH_CHECK_INDEX(false, "no row 3"); }),
      "Task 'a': no row 3");
}

TEST(RethrowWith, KeepsPlainErrors) {
  EXPECT_EQ(
      rethrown<c10::Error>([] { TORCH_CHECK(false, "not here"); }),
      "Task 'a': not here");
}

TEST(RethrowWith, LeavesErrorsThatAreNotTorchsAlone) {
  EXPECT_THROW(
      rethrown<c10::Error>([] { throw std::out_of_range("std's own"); }),
      std::out_of_range);
}

TEST(RethrowWith, LeavesOutOfMemoryAlone) {
  EXPECT_EQ(
      rethrown<c10::OutOfMemoryError>(
          [] { TORCH_CHECK_WITH(OutOfMemoryError, false, "full"); }),
      "full");
}

TEST(Quoted, ListsNames) {
  EXPECT_EQ(detail::quoted({"a", "b c"}), "'a', 'b c'");
  EXPECT_EQ(detail::quoted({}), "none");
}

} // namespace
} // namespace polytask
