// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/allowed_global.h"

#include <unordered_map>
#include <vector>

#include "io/python_dtypes.h"

namespace polytask::io::detail {

const PickleGlobal* allowed_global(const std::string& name) {
  static const auto all = [] {
    std::vector<PickleGlobal> globals = {
        {"collections.OrderedDict", GlobalRole::kOrderedDict},
        {"collections.Counter", GlobalRole::kCounter},
        {"torch.Size", GlobalRole::kSize},
        {"torch.device", GlobalRole::kDevice},
        {"torch._utils._rebuild_tensor_v2", GlobalRole::kTensor},
        {"torch._utils._rebuild_tensor_v3", GlobalRole::kTypedTensor},
        {"torch._utils._rebuild_parameter", GlobalRole::kParameter},
        {"torch._utils._rebuild_parameter_with_state",
         GlobalRole::kParameterWithState},
        {"torch.storage.UntypedStorage", GlobalRole::kStorageOfBytes},
    };
    for (const auto& dtype : python_dtypes()) {
      globals.push_back(
          {"torch." + dtype.name, GlobalRole::kDtype, dtype.type});
      if (!dtype.storage.empty()) {
        globals.push_back(
            {"torch." + dtype.storage, GlobalRole::kStorage, dtype.type});
      }
    }
    std::unordered_map<std::string, PickleGlobal> map;
    for (auto& global : globals) {
      map.emplace(global.name, global);
    }
    return map;
  }();
  const auto found = all.find(name);
  return found == all.end() ? nullptr : &found->second;
}

} // namespace polytask::io::detail
