// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <polytask/balancing/balancing.h>
#include <polytask/balancing/option_value.h>

#include "range.h"

namespace polytask::balancing::detail {

/// One option of a method. Settings are the method's options struct, behind a
/// pointer.
struct Option {
  enum class Kind { kNumber, kInteger, kFlag, kChoice, kNumbers, kIntegers };

  std::string name;
  Kind kind = Kind::kNumber;
  Range range;
  /// One line for its page.
  std::string about;
  /// Of a choice.
  std::vector<std::string> words;
  /// What holds where it is not given, for a list or a number that may be
  /// absent.
  std::string otherwise;
  bool is_required = false;
  /// A list that may be one number.
  bool may_be_single = false;
  /// Nothing where it is absent.
  std::function<std::optional<OptionValue>(void*)> read;
  /// Takes a value that is of the option's kind.
  std::function<void(void*, const OptionValue&)> write;
};

/// A name under which a method can be made by other libraries' options.
struct Alias {
  std::string name;
  /// What it takes, and which of the method's options that is.
  std::vector<std::pair<std::string, std::string>> takes;
  /// Sets the options that differ from the method's own defaults.
  std::function<void(void*)> start;
};

/// An option of another library that changes nothing.
struct Unused {
  std::string name;
  /// The name that takes it.
  std::string of;
  std::string about;
  /// The only value that it may have; without it, any number.
  std::optional<OptionValue> only;
};

/// A name whose maker is a function: what it takes, and for what.
struct OwnMaker {
  std::string name;
  std::vector<std::pair<std::string, std::string>> options;
  std::function<std::unique_ptr<Balancing>(const OptionValues&)> make;
};

/// The method within a method.
struct Inner {
  /// The option that names it; "<option>.c" is its own option c.
  std::string option;
  /// Empty where it must be given.
  std::string otherwise;
  std::string about;
  std::function<const Balancing&(const void*)> read;
  std::function<void(void*, std::unique_ptr<Balancing>)> write;
};

/// All that is said of a method's options, once: `make`, `options()`, printing,
/// the checks of the constructor and the table of its page come from it.
struct Description {
  /// The main name, which takes all options.
  std::string name;
  /// The class.
  std::string type;
  std::vector<Option> options;
  /// Of the method's options, under its own names.
  std::vector<std::pair<std::string, std::string>> also_takes;
  std::vector<Alias> aliases;
  std::vector<Unused> unused;
  std::vector<OwnMaker> own_makers;
  std::optional<Inner> inner;

  std::function<std::shared_ptr<void>()> fresh;
  std::function<std::shared_ptr<void>(const Balancing&)> settings;
  /// Called with the names of the options that were given.
  std::function<void(void*, const std::vector<std::string>&)> complete;
  std::function<std::unique_ptr<Balancing>(void*)> make;

  const Option& option(const std::string& option_name) const;
};

/// Throws, naming `who` and the option `by`, unless the value is of its kind
/// and in its range.
void check_value(
    const Option& option,
    const OptionValue& value,
    const std::string& who,
    const std::string& by);

/// Throws, naming `who` and what it has, if there is one that it has not.
void check_no_others(
    const std::string& who,
    const OptionValues& others,
    const std::vector<std::string>& known);

/// What `options()` has for an option: absent ones have no value.
std::vector<std::pair<const Option*, std::optional<OptionValue>>> values_of(
    const Description& description, const Balancing& method);

/// As `make` by a name of the description that is no own maker.
std::unique_ptr<Balancing> make_described(
    const Description& description,
    const std::string& name,
    const OptionValues& values);

} // namespace polytask::balancing::detail
