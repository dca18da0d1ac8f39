// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/balancing/make.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "core/check.h"
#include "core/near.h"

#include "methods.h"

namespace polytask::balancing {

namespace {

using MethodMaker =
    std::function<std::unique_ptr<Balancing>(const OptionValues&)>;

MethodMaker own_maker(const detail::OwnMaker& own) {
  return [own](const OptionValues& options) {
    std::vector<std::string> known;
    OptionValues others = options;
    for (const auto& [option, about] : own.options) {
      known.push_back(option);
      others.erase(option);
    }
    detail::check_no_others(own.name, others, known);
    return own.make(options);
  };
}

/// All names, the library's own and those that users add.
class MethodRegistry {
 public:
  static MethodRegistry& instance() {
    static MethodRegistry registry;
    return registry;
  }

  void add(const std::string& name, MethodMaker maker) {
    const std::lock_guard lock(mutex_);
    TORCH_CHECK_VALUE(
        makers_.emplace(name, std::move(maker)).second,
        "balancing: there is a method '",
        name,
        "' already.");
  }

  /// Nothing where there is none.
  MethodMaker find(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = makers_.find(name);
    return found == makers_.end() ? MethodMaker() : found->second;
  }

  std::vector<std::string> names() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [name, maker] : makers_) {
      all.push_back(name);
    }
    return all;
  }

 private:
  MethodRegistry() {
    for (const auto* description : detail::descriptions()) {
      add_described(*description, description->name);
      for (const auto& alias : description->aliases) {
        add_described(*description, alias.name);
      }
      for (const auto& own : description->own_makers) {
        add(own.name, own_maker(own));
      }
    }
  }

  void add_described(
      const detail::Description& description, const std::string& name) {
    add(name, [&description, name](const OptionValues& options) {
      return detail::make_described(description, name, options);
    });
  }

  mutable std::mutex mutex_;
  std::map<std::string, MethodMaker> makers_;
};

std::vector<std::string> near(const std::string& name) {
  std::vector<std::string> found;
  for (const auto& known : names()) {
    if (polytask::detail::edit_distance(name, known) <= 1 + name.size() / 4 ||
        (name.size() > 2 && known.find(name) != std::string::npos)) {
      found.push_back(known);
    }
  }
  return found;
}

} // namespace

std::unique_ptr<Balancing> make(
    const std::string& name, const OptionValues& options) {
  const auto maker = MethodRegistry::instance().find(name);
  if (!maker) {
    const auto candidates = near(name);
    TORCH_CHECK_VALUE(
        false,
        "balancing: there is no method '",
        name,
        "'; ",
        candidates.empty() ? "there are " : "near it are ",
        polytask::detail::quoted(candidates.empty() ? names() : candidates),
        ".");
  }
  auto made = maker(options);
  TORCH_CHECK_VALUE(made, "balancing: the maker of '", name, "' made nothing.");
  return made;
}

std::vector<std::string> names() {
  return MethodRegistry::instance().names();
}

void register_method(
    const std::string& name,
    const std::vector<std::string>& options,
    MethodMaker maker) {
  TORCH_CHECK_VALUE(
      !name.empty() && maker,
      "balancing: register_method() expected a name and a maker.");
  detail::OwnMaker own{name, {}, std::move(maker)};
  for (const auto& option : options) {
    own.options.emplace_back(option, "");
  }
  MethodRegistry::instance().add(name, own_maker(own));
}

} // namespace polytask::balancing
