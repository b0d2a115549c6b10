#include "observe/differences.h"

#include <cmath>

#include "observe/simd.h"

namespace octavo::observe {

namespace {
// Of float64: five sums stay in registers, also where these hold four.
constexpr size_t kSums = 8;
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
  double signal[kSums] = {}, other[kSums] = {}, product[kSums] = {}, noise[kSums] = {}, largest[kSums] = {};
  size_t i = 0;
  for (; i + kSums <= count; i += kSums)
    for (size_t lane = 0; lane < kSums; lane++) {
      const double a = x[i + lane], b = y[i + lane], difference = std::fabs(a - b);
      signal[lane] += a * a;
      other[lane] += b * b;
      product[lane] += a * b;
      noise[lane] += difference * difference;
      largest[lane] = difference > largest[lane] ? difference : largest[lane];
    }
  Differences all;
  all.count = static_cast<double>(count);
  for (size_t lane = 0; lane < kSums; lane++)
    all.add({0, signal[lane], other[lane], product[lane], noise[lane], largest[lane]});
  for (; i < count; i++) {
    const double a = x[i], b = y[i], difference = std::fabs(a - b);
    all.add({0, a * a, b * b, a * b, difference * difference, difference});
  }
  return all;
}

}  // namespace octavo::observe
