#include "observe/differences.h"

#include <cmath>
#include <cstring>

#include "observe/simd.h"

namespace octavo::observe {

namespace {
// Eight sums side by side stay in registers, also where these hold four.
constexpr size_t kSums = 8;
// GCC's vectors: of plain loops over eight it makes single elements here.
typedef float Floats __attribute__((vector_size(kSums * sizeof(float))));
typedef double Doubles __attribute__((vector_size(kSums * sizeof(double))));
}  // namespace

void Differences::add(const Differences& more) {
  count += more.count;
  signal += more.signal;
  other += more.other;
  product += more.product;
  noise += more.noise;
  max_error = more.max_error > max_error ? more.max_error : max_error;
}

OCTAVO_SIMD_CLONES Differences differences(const float* x, const float* y, size_t count) {
  Doubles signal = {}, other = {}, product = {}, noise = {}, largest = {};
  size_t i = 0;
  for (; i + kSums <= count; i += kSums) {
    Floats from_x, from_y;
    std::memcpy(&from_x, x + i, sizeof from_x);
    std::memcpy(&from_y, y + i, sizeof from_y);
    // Of infinities and NaN, the difference from themselves is NaN, and NaN equals nothing.
    const auto is_same_infinity = (from_x == from_y) & (from_x - from_x != 0);
    from_x = is_same_infinity ? Floats{} : from_x;
    from_y = is_same_infinity ? Floats{} : from_y;
    const Doubles a = __builtin_convertvector(from_x, Doubles), b = __builtin_convertvector(from_y, Doubles);
    const Doubles difference = a - b;
    const Doubles size = difference < 0 ? -difference : difference;
    signal += a * a;
    other += b * b;
    product += a * b;
    noise += difference * difference;
    largest = size > largest ? size : largest;
  }
  Differences all;
  all.count = static_cast<double>(count);
  for (size_t lane = 0; lane < kSums; lane++)
    all.add({0, signal[lane], other[lane], product[lane], noise[lane], largest[lane]});
  for (; i < count; i++) {
    if (x[i] == y[i] && std::isinf(x[i])) continue;
    const double a = x[i], b = y[i], difference = std::fabs(a - b);
    all.add({0, a * a, b * b, a * b, difference * difference, difference});
  }
  return all;
}

}  // namespace octavo::observe
