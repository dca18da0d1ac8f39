// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "description.h"

namespace polytask::balancing::detail {

/// The settings of a method that has none.
struct NoOptions {};

/// The method in a wrapper's settings, while these are only read.
inline std::shared_ptr<Balancing> borrowed(Balancing& method) {
  return {std::shared_ptr<Balancing>(), &method};
}

/// The words of a choice, and what they stand for.
template <typename Value>
using Words = std::vector<std::pair<std::string, Value>>;

/// Builds the description of a method whose options are of type `Settings`:
///
/// ```cpp
/// static const auto made = Describe<CAGradOptions>("cagrad", "CAGrad")
///     .option("c", &CAGradOptions::c, at_least(0), "how far …")
///     .made_of(&CAGrad::options_)
/// ```
template <typename Settings>
class Describe {
 public:
  using Names = std::vector<std::pair<std::string, std::string>>;

  Describe(std::string name, std::string type) {
    made_.name = std::move(name);
    made_.type = std::move(type);
    made_.fresh = [] { return std::make_shared<Settings>(); };
  }

  /// An option with the accessors of TORCH_ARG.
  template <typename Value>
  Describe& option(
      const std::string& name,
      Value& (Settings::*access)() noexcept,
      Range range,
      const std::string& about) {
    return add<Value>(
        name,
        [access](Settings& settings) -> Value& { return (settings.*access)(); },
        range,
        about);
  }
  /// A plain field.
  template <typename Value>
    requires(!std::is_function_v<Value>)
  Describe& option(
      const std::string& name,
      Value Settings::*field,
      Range range,
      const std::string& about) {
    return add<Value>(
        name,
        [field](Settings& settings) -> Value& { return settings.*field; },
        range,
        about);
  }
  Describe& flag(
      const std::string& name,
      bool& (Settings::*access)() noexcept,
      const std::string& about) {
    return option(name, access, from_to(0, 1), about);
  }
  /// A choice by a word, or by its place among the words.
  template <typename Value>
  Describe& choice(
      const std::string& name,
      Value& (Settings::*access)() noexcept,
      const Words<Value>& words,
      const std::string& about) {
    Option& made = add_named(name, Option::Kind::kChoice, any_number(), about);
    for (const auto& [word, value] : words) {
      made.words.push_back(word);
    }
    made.read = [access, words](void* from) {
      Settings& settings = *static_cast<Settings*>(from);
      std::optional<OptionValue> found;
      for (const auto& [word, value] : words) {
        if (value == (settings.*access)()) {
          found = OptionValue(word);
        }
      }
      return found;
    };
    made.write = [access, words](void* to, const OptionValue& given) {
      for (size_t place = 0; place < words.size(); ++place) {
        if (given.word() ? *given.word() == words[place].first
                         : *given.number() == static_cast<double>(place)) {
          (static_cast<Settings*>(to)->*access)() = words[place].second;
        }
      }
    };
    return *this;
  }

  // Of the option before.
  /// What holds where a list is empty or a number absent.
  Describe& otherwise(const std::string& words) {
    made_.options.back().otherwise = words;
    return *this;
  }
  Describe& required() {
    made_.options.back().is_required = true;
    return *this;
  }
  Describe& or_one_number() {
    made_.options.back().may_be_single = true;
    return *this;
  }
  /// Another name for it under the method's own names.
  Describe& or_by(const std::string& name) {
    made_.also_takes.emplace_back(name, made_.options.back().name);
    return *this;
  }

  /// Names that take what the method's own does.
  Describe& also(const std::vector<std::string>& names) {
    for (const auto& name : names) {
      also(name, [](Settings&) {});
    }
    return *this;
  }
  /// The same with other defaults.
  template <typename Start>
  Describe& also(const std::string& name, Start start) {
    Names takes = made_.also_takes;
    for (const auto& each : made_.options) {
      takes.emplace_back(each.name, each.name);
    }
    return as(name, std::move(takes), start);
  }
  /// A name with some of the options, under other names: {theirs, ours}.
  template <typename Start>
  Describe& as(const std::string& name, Names takes, Start start) {
    made_.aliases.push_back({name, std::move(takes), [start](void* settings) {
                               start(*static_cast<Settings*>(settings));
                             }});
    return *this;
  }
  Describe& as(const std::string& name, Names takes = {}) {
    return as(name, std::move(takes), [](Settings&) {});
  }
  /// An option that `of` takes, and that changes nothing.
  Describe& unused(
      const std::string& name,
      const std::string& of,
      const std::string& about,
      std::optional<OptionValue> only = std::nullopt) {
    made_.unused.push_back({name, of, about, std::move(only)});
    return *this;
  }
  Describe& made_by(OwnMaker maker) {
    made_.own_makers.push_back(std::move(maker));
    return *this;
  }
  /// What follows from which options were given.
  Describe& completed_by(
      void (*complete)(Settings&, const std::vector<std::string>& given)) {
    made_.complete =
        [complete](void* settings, const std::vector<std::string>& given) {
          complete(*static_cast<Settings*>(settings), given);
        };
    return *this;
  }
  /// The method inside, in a field that is a pointer.
  Describe& with_inner(
      const std::string& option,
      const std::string& otherwise,
      std::shared_ptr<Balancing> Settings::*field,
      const std::string& about) {
    made_.inner = Inner{
        option,
        otherwise,
        about,
        [field](const void* from) -> const Balancing& {
          return *(static_cast<const Settings*>(from)->*field);
        },
        [field](void* to, std::unique_ptr<Balancing> method) {
          static_cast<Settings*>(to)->*field = std::move(method);
        }};
    return *this;
  }

  /// For a method that keeps its options in one member.
  template <typename Method>
  Description made_of(Settings Method::*member) {
    return made_of<Method>(
        [member](const Method& method) { return method.*member; },
        [](Settings settings) {
          return std::make_unique<Method>(std::move(settings));
        });
  }
  /// For others: how to read the options of one, and how to make it of them.
  template <typename Method, typename Read, typename Make>
  Description made_of(Read read, Make make) {
    made_.settings = [read](const Balancing& method) {
      return std::make_shared<Settings>(
          read(static_cast<const Method&>(method)));
    };
    made_.make = [make](void* settings) -> std::unique_ptr<Balancing> {
      return make(std::move(*static_cast<Settings*>(settings)));
    };
    return std::move(made_);
  }

 private:
  Option& add_named(
      const std::string& name,
      Option::Kind kind,
      Range range,
      const std::string& about) {
    Option& made = made_.options.emplace_back();
    made.name = name;
    made.kind = kind;
    made.range = range;
    made.about = about;
    return made;
  }

  template <typename Value, typename Access>
  Describe& add(
      const std::string& name,
      Access access,
      Range range,
      const std::string& about) {
    Option& made = add_named(name, kind_of<Value>(), range, about);
    made.read = [access](void* from) -> std::optional<OptionValue> {
      return value_of(access(*static_cast<Settings*>(from)));
    };
    made.write = [access](void* to, const OptionValue& given) {
      put(given, access(*static_cast<Settings*>(to)));
    };
    return *this;
  }

  template <typename Value>
  static constexpr Option::Kind kind_of() {
    if constexpr (
        std::same_as<Value, double> ||
        std::same_as<Value, std::optional<double>>) {
      return Option::Kind::kNumber;
    } else if constexpr (
        std::same_as<Value, int64_t> ||
        std::same_as<Value, std::optional<int64_t>>) {
      return Option::Kind::kInteger;
    } else if constexpr (std::same_as<Value, bool>) {
      return Option::Kind::kFlag;
    } else if constexpr (std::same_as<Value, std::vector<double>>) {
      return Option::Kind::kNumbers;
    } else {
      static_assert(std::same_as<Value, std::vector<int64_t>>);
      return Option::Kind::kIntegers;
    }
  }

  static std::optional<OptionValue> value_of(
      const std::vector<double>& numbers) {
    return OptionValue(numbers);
  }
  static std::optional<OptionValue> value_of(
      const std::vector<int64_t>& numbers) {
    return OptionValue(std::vector<double>(numbers.begin(), numbers.end()));
  }
  template <typename Number>
  static std::optional<OptionValue> value_of(
      const std::optional<Number>& number) {
    return number ? std::optional(OptionValue(*number)) : std::nullopt;
  }
  template <typename Number>
    requires std::is_arithmetic_v<Number>
  static std::optional<OptionValue> value_of(Number number) {
    return OptionValue(number);
  }

  static void put(const OptionValue& given, std::vector<double>& to) {
    to = given.number() ? std::vector<double>{*given.number()}
                        : *given.numbers();
  }
  static void put(const OptionValue& given, std::vector<int64_t>& to) {
    to.clear();
    for (const double number : *given.numbers()) {
      to.push_back(static_cast<int64_t>(number));
    }
  }
  static void put(const OptionValue& given, bool& to) {
    to = *given.number() != 0;
  }
  static void put(const OptionValue& given, double& to) {
    to = *given.number();
  }
  static void put(const OptionValue& given, int64_t& to) {
    to = static_cast<int64_t>(*given.number());
  }
  template <typename Number>
  static void put(const OptionValue& given, std::optional<Number>& to) {
    to = static_cast<Number>(*given.number());
  }

  Description made_;
};

} // namespace polytask::balancing::detail
