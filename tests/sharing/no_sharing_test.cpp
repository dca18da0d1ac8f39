// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/sharing/no_sharing.h>

#include <gtest/gtest.h>

#include <memory>
#include <sstream>

namespace polytask {
namespace {

TEST(NoSharing, GivesEachTaskTheInputItself) {
  NoSharing sharing;
  const auto x = torch::randn({4, 5});
  const auto features = sharing->features(x, 2);
  ASSERT_EQ(features.size(), 2);
  EXPECT_TRUE(features[0].is_same(x));
  EXPECT_TRUE(features[1].is_same(x));
  EXPECT_TRUE(sharing->features_of(x, 1).is_same(x));
}

TEST(NoSharing, HasNoParameters) {
  EXPECT_TRUE(NoSharing()->parameters().empty());
  EXPECT_TRUE(NoSharing()->task_parameters(0).empty());
}

TEST(NoSharing, ClonesItself) {
  NoSharing sharing;
  sharing->eval();
  const auto copy = sharing->clone();
  EXPECT_NE(std::dynamic_pointer_cast<NoSharingImpl>(copy), nullptr);
  EXPECT_NE(copy.get(), sharing.get());
  EXPECT_FALSE(copy->is_training());
}

TEST(NoSharing, PrintsAConstructorCall) {
  std::ostringstream text;
  NoSharing()->pretty_print(text);
  EXPECT_EQ(text.str(), "polytask::NoSharing()");
}

} // namespace
} // namespace polytask
