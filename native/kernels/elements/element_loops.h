// Makes the loops of a function from its definition for one element. A definition is a struct with
//
//     template <typename T> static T of(const Parameters&, T a, T b);
//
// and as many operands as the function has. A predicate returns bool.
#pragma once

#include <type_traits>
#include <utility>

#include "kernels/elements/element_function.h"
#include "kernels/elements/stored_bool.h"

namespace octavo::kernels {

// Sets of element types. Bools are computed as bytes of 0 and 1.
enum Types : unsigned { kFloats = 1, kIntegers = 2, kBools = 4, kAllTypes = 7 };

template <class F, typename T, typename Stored, typename Result, size_t... I>
void element_loop(const void* const* inputs, void* out, int64_t n, const Parameters& parameters) {
  // Copies: a store of bytes could change what a pointer leads to.
  const Stored* const in[] = {static_cast<const Stored*>(inputs[I])...};
  const Parameters p = parameters;
  auto* results = static_cast<Result*>(out);
  // An operand that is overwritten is read at the same index before.
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) results[i] = static_cast<Result>(F::of(p, static_cast<T>(in[I][i])...));
}

template <class F, typename T, bool is_predicate, typename Stored = T, size_t... I>
constexpr ElementLoop loop_of(std::index_sequence<I...>) {
  return &element_loop<F, T, Stored, std::conditional_t<is_predicate, uint8_t, T>, I...>;
}

template <class F, size_t operands, unsigned types, bool is_predicate>
ElementFunction make_function(const char* name) {
  constexpr std::make_index_sequence<operands> all{};
  ElementFunction function{name, operands, is_predicate, {}, false};
  const auto set = [&](DType dtype, ElementLoop loop) { function.loops[static_cast<size_t>(dtype)] = loop; };
  if constexpr ((types & kFloats) != 0) {
    set(DType::f32, loop_of<F, float, is_predicate>(all));
    set(DType::f64, loop_of<F, double, is_predicate>(all));
  }
  if constexpr ((types & kIntegers) != 0) {
    set(DType::u8, loop_of<F, uint8_t, is_predicate>(all));
    set(DType::s8, loop_of<F, int8_t, is_predicate>(all));
    set(DType::u16, loop_of<F, uint16_t, is_predicate>(all));
    set(DType::s16, loop_of<F, int16_t, is_predicate>(all));
    set(DType::s32, loop_of<F, int32_t, is_predicate>(all));
    set(DType::s64, loop_of<F, int64_t, is_predicate>(all));
  }
  if constexpr ((types & kBools) != 0)
    set(DType::boolean, loop_of<F, uint8_t, is_predicate, StoredBool>(all));
  return function;
}

template <class F, size_t operands, unsigned types>
ElementFunction function(const char* name) {
  return make_function<F, operands, types, false>(name);
}

template <class F, size_t operands, unsigned types = kAllTypes>
ElementFunction predicate(const char* name) {
  return make_function<F, operands, types, true>(name);
}

// The unsigned type in which integers of type T wrap around on overflow, as PyTorch's do.
template <typename T>
using Wrapping = std::conditional_t<(sizeof(T) < sizeof(int)), unsigned, std::make_unsigned_t<T>>;

}  // namespace octavo::kernels
