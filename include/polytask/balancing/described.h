// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include <polytask/balancing/balancing.h>

namespace polytask::balancing {

namespace detail {

struct Description;
POLYTASK_API const std::string& name_in(const Description& description);
POLYTASK_API OptionValues
options_in(const Description& description, const Balancing& method);
POLYTASK_API void print_described(
    const Description& description,
    const Balancing& method,
    std::ostream& stream);
POLYTASK_API void check_described(
    const Description& description, const Balancing& method);

} // namespace detail

/// A method of the library: it has a `description()`, which its names, the
/// reading and the checks of its options, and how it is printed come from.
template <typename Derived, typename Base>
class Described : public Cloneable<Derived, Base> {
 public:
  using Cloneable<Derived, Base>::Cloneable;
  std::string name() const override {
    return detail::name_in(Derived::description());
  }
  OptionValues options() const override {
    return detail::options_in(Derived::description(), *this);
  }
  void pretty_print(std::ostream& stream) const override {
    detail::print_described(Derived::description(), *this, stream);
  }

 protected:
  /// Throws, naming the method and the option, on one that is out of range.
  void check_options() const {
    detail::check_described(Derived::description(), *this);
  }
};

} // namespace polytask::balancing
