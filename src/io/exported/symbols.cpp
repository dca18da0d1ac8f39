// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <c10/core/Scalar.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "io/exported/program.h"

// What Python computes of sizes. An integer stays one, as in Python.

namespace polytask::io::detail {

namespace {

using Stack = torch::jit::Stack;

// One argument after the other, of a node that has too few of them.
const c10::IValue& argument_at(const Stack& stack, size_t place) {
  TORCH_CHECK_VALUE(
      place < stack.size(), "has ", stack.size(), " arguments, too few.");
  return stack[place];
}

bool is_whole(const c10::IValue& value) {
  return value.isInt() || value.isBool();
}

int64_t whole(const c10::IValue& value) {
  return value.isBool() ? static_cast<int64_t>(value.toBool()) : value.toInt();
}

double number(const c10::IValue& value) {
  return is_whole(value) ? static_cast<double>(whole(value)) : value.toDouble();
}

template <typename Whole, typename Real>
c10::IValue of_two(const Stack& stack, const Whole& ints, const Real& reals) {
  const auto& a = argument_at(stack, 0);
  const auto& b = argument_at(stack, 1);
  if (is_whole(a) && is_whole(b)) {
    return ints(whole(a), whole(b));
  }
  return reals(number(a), number(b));
}

// In unsigned arithmetic: what is too large for Python's sizes has no right
// value, but is no undefined one.
int64_t wrapped(uint64_t value) {
  return static_cast<int64_t>(value);
}

uint64_t bits(int64_t value) {
  return static_cast<uint64_t>(value);
}

int64_t floor_quotient(int64_t a, int64_t b) {
  constexpr auto kLeast = std::numeric_limits<int64_t>::min();
  TORCH_CHECK_VALUE(
      b != 0 && !(b == -1 && a == kLeast), "divides ", a, " by ", b, ".");
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

c10::IValue add(const Stack& stack) {
  return of_two(
      stack,
      [](int64_t a, int64_t b) { return wrapped(bits(a) + bits(b)); },
      [](double a, double b) { return a + b; });
}

c10::IValue subtract(const Stack& stack) {
  return of_two(
      stack,
      [](int64_t a, int64_t b) { return wrapped(bits(a) - bits(b)); },
      [](double a, double b) { return a - b; });
}

c10::IValue multiply(const Stack& stack) {
  return of_two(
      stack,
      [](int64_t a, int64_t b) { return wrapped(bits(a) * bits(b)); },
      [](double a, double b) { return a * b; });
}

c10::IValue floor_divide(const Stack& stack) {
  return of_two(stack, floor_quotient, [](double a, double b) {
    return std::floor(a / b);
  });
}

c10::IValue remainder_of(const Stack& stack) {
  return of_two(
      stack,
      [](int64_t a, int64_t b) {
        return wrapped(bits(a) - bits(floor_quotient(a, b)) * bits(b));
      },
      [](double a, double b) { return a - std::floor(a / b) * b; });
}

c10::IValue true_divide(const Stack& stack) {
  return number(argument_at(stack, 0)) / number(argument_at(stack, 1));
}

c10::IValue power(const Stack& stack) {
  const auto real =
      std::pow(number(argument_at(stack, 0)), number(argument_at(stack, 1)));
  const bool stays = is_whole(stack[0]) && is_whole(stack[1]) &&
      whole(stack[1]) >= 0 && std::abs(real) < 0x1p53;
  return stays ? c10::IValue(static_cast<int64_t>(real)) : c10::IValue(real);
}

c10::IValue negate(const Stack& stack) {
  const auto& a = argument_at(stack, 0);
  return is_whole(a) ? c10::IValue(wrapped(-bits(whole(a))))
                     : c10::IValue(-number(a));
}

c10::IValue position(const Stack& stack) {
  return argument_at(stack, 0);
}

c10::IValue to_real(const Stack& stack) {
  return number(argument_at(stack, 0));
}

template <double (*round)(double)>
c10::IValue rounded(const Stack& stack) {
  const auto& a = argument_at(stack, 0);
  if (is_whole(a)) {
    return whole(a);
  }
  const double real = round(number(a));
  TORCH_CHECK_VALUE(
      std::abs(real) < 0x1p63, "rounds ", real, ", which is no integer.");
  return static_cast<int64_t>(real);
}

double down(double value) {
  return std::floor(value);
}
double up(double value) {
  return std::ceil(value);
}
double to_zero(double value) {
  return std::trunc(value);
}

c10::IValue least_of(const Stack& stack) {
  return number(argument_at(stack, 1)) < number(argument_at(stack, 0))
      ? stack[1]
      : stack[0];
}

c10::IValue most_of(const Stack& stack) {
  return number(argument_at(stack, 1)) > number(argument_at(stack, 0))
      ? stack[1]
      : stack[0];
}

c10::IValue invert(const Stack& stack) {
  return !argument_at(stack, 0).toBool();
}

template <typename Compare>
c10::IValue compared(const Stack& stack) {
  return of_two(
      stack,
      [](int64_t a, int64_t b) { return Compare()(a, b); },
      [](double a, double b) { return Compare()(a, b); });
}

template <typename Combine>
c10::IValue combined(const Stack& stack) {
  const auto& a = argument_at(stack, 0);
  const auto& b = argument_at(stack, 1);
  return a.isBool() && b.isBool()
      ? c10::IValue(Combine()(a.toBool(), b.toBool()))
      : c10::IValue(Combine()(whole(a), whole(b)));
}

struct Both {
  bool operator()(bool a, bool b) const {
    return a && b;
  }
  int64_t operator()(int64_t a, int64_t b) const {
    return a & b;
  }
};

struct Either {
  bool operator()(bool a, bool b) const {
    return a || b;
  }
  int64_t operator()(int64_t a, int64_t b) const {
    return a | b;
  }
};

} // namespace

SymbolFunction symbol_function(const std::string& target) {
  static const std::unordered_map<std::string, SymbolFunction> functions = {
      {"_operator.add", add},
      {"_operator.sub", subtract},
      {"_operator.mul", multiply},
      {"_operator.floordiv", floor_divide},
      {"_operator.mod", remainder_of},
      {"_operator.truediv", true_divide},
      {"_operator.pow", power},
      {"_operator.neg", negate},
      {"_operator.pos", position},
      {"_operator.not_", invert},
      {"_operator.eq", compared<std::equal_to<>>},
      {"_operator.ne", compared<std::not_equal_to<>>},
      {"_operator.lt", compared<std::less<>>},
      {"_operator.le", compared<std::less_equal<>>},
      {"_operator.gt", compared<std::greater<>>},
      {"_operator.ge", compared<std::greater_equal<>>},
      {"_operator.and_", combined<Both>},
      {"_operator.or_", combined<Either>},
      {"math.floor", rounded<down>},
      {"math.ceil", rounded<up>},
      {"math.trunc", rounded<to_zero>},
      {"torch.sym_int", rounded<to_zero>},
      {"torch.sym_float", to_real},
      {"torch.sym_max", most_of},
      {"torch.sym_min", least_of},
      {"torch.sym_not", invert}};
  const auto found = functions.find(target);
  return found == functions.end() ? nullptr : found->second;
}

} // namespace polytask::io::detail
