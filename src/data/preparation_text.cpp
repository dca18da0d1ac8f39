// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "core/check.h"

#include "preparation_state.h"

namespace polytask::data {

namespace {

void print_codings(
    std::ostream& stream,
    const char* what,
    const std::vector<detail::ColumnCoding>& codings) {
  const char* separator = what;
  for (const auto& coding : codings) {
    stream << separator << "'" << coding.column << "' ("
           << coding.vocabulary.size() << " categories"
           << (coding.has_missing ? " and missing)" : ")");
    separator = ", ";
  }
}

void print_target(std::ostream& stream, const detail::TargetCoding& target) {
  using Kind = PreparationTarget::Kind;
  stream << "\n  target '" << target.column << "': ";
  switch (target.kind) {
    case Kind::kNumber:
      stream << "mean " << target.shift << ", deviation " << target.scale;
      break;
    case Kind::kClass:
      stream << target.classes.vocabulary.size() << " classes";
      break;
    case Kind::kBinary:
      stream << "1 for '"
             << target.classes.vocabulary[static_cast<size_t>(target.positive)]
             << "'";
  }
}

} // namespace

std::ostream& operator<<(std::ostream& stream, const Preparation& preparation) {
  if (preparation.state_ == nullptr) {
    return stream << "Preparation of no column yet";
  }
  const auto& fitted = *preparation.state_;
  stream << "Preparation of " << preparation.width() << " numbers and "
         << fitted.ids.size() << " ids";
  if (!fitted.numbers.empty()) {
    stream << "\n  numbers: " << detail::quoted(fitted.numbers);
  }
  print_codings(stream, "\n  one-hot: ", fitted.one_hot);
  print_codings(stream, "\n  ids: ", fitted.ids);
  for (const auto& target : fitted.targets) {
    print_target(stream, target);
  }
  return stream;
}

} // namespace polytask::data
