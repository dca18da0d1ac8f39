// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/check.h"

namespace polytask::detail {

std::string quoted(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) {
    list.append(list.empty() ? "'" : ", '").append(name).append("'");
  }
  return list.empty() ? "none" : list;
}

void rethrow_with(const std::string& who) {
  try {
    throw;
  } catch (const c10::ValueError& error) {
    TORCH_CHECK_VALUE(false, who, error.what_without_backtrace());
  } catch (const c10::TypeError& error) {
    TORCH_CHECK_TYPE(false, who, error.what_without_backtrace());
  } catch (const c10::IndexError& error) {
    TORCH_CHECK_INDEX(false, who, error.what_without_backtrace());
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error& error) {
    TORCH_CHECK(false, who, error.what_without_backtrace());
  }
  TORCH_INTERNAL_ASSERT(false, "polytask: rethrow_with without an error.");
}

} // namespace polytask::detail
