#include "observe/range_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "observe/simd.h"

// The search stops at the first step that makes the error grow. Near a minimum neighbouring errors agree to
// the last few bits, so every operation here rounds where PyTorch's float32 tensors round, in their order.
namespace octavo::observe {

namespace {
constexpr double kQuantileStep = 1e-5;

float cube(float x) { return x * x * x; }

// Integral of x^2 from begin to end.
float integral(float begin, float end) { return (cube(end) - cube(begin)) / 3.0f; }

// torch.div(a, b, rounding_mode='floor') for b > 0. The remainder is exact: a quotient of floats below 2^29
// is never rounded to the next integer in double precision.
inline float divide_floor(float a, float b) {
  const double remainder = a - std::trunc(static_cast<double>(a) / b) * b;
  const float modulus = static_cast<float>(remainder);
  float quotient = (a - modulus) / b;
  quotient = modulus < 0 ? quotient - 1.0f : quotient;
  const float floored = std::floor(quotient);
  return quotient - floored > 0.5f ? floored + 1.0f : floored;
}

OCTAVO_SIMD_CLONES void bin_errors(const float* counts, size_t bins, float first, float bin_width, float step,
                                   float half_step, float levels, float* errors) {
  const float inner = integral(-half_step, half_step);
  const float begin_cube = cube(-half_step), end_cube = cube(half_step);
  for (size_t bin = 0; bin < bins; bin++) {
    const float begin = (static_cast<float>(static_cast<int>(bin)) - first) * bin_width;
    const float end = begin + bin_width;
    const float begin_level = std::min(std::max(divide_floor(begin, step), 0.0f), levels - 1.0f);
    const float end_level = std::min(std::max(divide_floor(end, step), 0.0f), levels - 1.0f);
    const float density = counts[bin] / bin_width;
    const float from_begin = begin - (begin_level + 0.5f) * step;
    const float to_end = end - (end_level * step + half_step);
    float error = density * ((end_cube - cube(from_begin)) / 3.0f);
    error += (end_level - begin_level - 1.0f) * (density * inner);
    error += density * ((cube(to_end) - begin_cube) / 3.0f);
    errors[bin] = error;
  }
}

// torch.sum of a contiguous float32 tensor, added up in PyTorch's order, which is the same on AVX2 and
// AVX-512 machines: four registers of 8 lanes, each summed in a cascade of levels.
OCTAVO_SIMD_CLONES float sum(const float* values, size_t count) {
  constexpr size_t kRegister = 8, kRegisters = 4, kWidth = kRegister * kRegisters, kLevels = 4;
  const size_t rows = count / kRegister / kRegisters;
  size_t power = 0;
  while ((size_t{1} << power) < rows) power++;
  power = std::max<size_t>(4, power / kLevels);
  const size_t step = size_t{1} << power;
  alignas(64) float level[kLevels][kWidth] = {};
  size_t row = 0;
  while (row + step <= rows) {
    for (size_t j = 0; j < step; j++, row++)
      for (size_t lane = 0; lane < kWidth; lane++) level[0][lane] += values[row * kWidth + lane];
    for (size_t j = 1; j < kLevels; j++) {
      for (size_t lane = 0; lane < kWidth; lane++) {
        level[j][lane] += level[j - 1][lane];
        level[j - 1][lane] = 0;
      }
      if (row & ((step - 1) << (j * power))) break;
    }
  }
  for (; row < rows; row++)
    for (size_t lane = 0; lane < kWidth; lane++) level[0][lane] += values[row * kWidth + lane];
  for (size_t j = 1; j < kLevels; j++)
    for (size_t lane = 0; lane < kWidth; lane++) level[0][lane] += level[j][lane];
  float* lanes = level[0];
  size_t i = rows * kWidth;
  for (; i + kRegister <= count; i += kRegister)
    for (size_t lane = 0; lane < kRegister; lane++) lanes[lane] += values[i + lane];
  for (size_t r = 1; r < kRegisters; r++)
    for (size_t lane = 0; lane < kRegister; lane++) lanes[lane] += lanes[r * kRegister + lane];
  float total = 0;
  for (; i < count; i++) total += values[i];
  for (size_t lane = 0; lane < kRegister; lane++) total += lanes[lane];
  return total;
}
}  // namespace

float quantization_error(const float* counts, size_t bins, const Range& range, const BinRange& chosen,
                         size_t levels) {
  const double bin_width = (static_cast<double>(range.max) - range.min) / static_cast<double>(bins);
  const double step =
      bin_width * static_cast<double>(chosen.last - chosen.first + 1) / static_cast<double>(levels);
  if (step == 0) return 0;
  std::vector<float> errors(bins);
  bin_errors(counts, bins, static_cast<float>(chosen.first), static_cast<float>(bin_width),
             static_cast<float>(step), static_cast<float>(step / 2), static_cast<float>(levels),
             errors.data());
  return sum(errors.data(), bins);
}

BinRange search_range(const float* counts, size_t bins, const Range& range, size_t levels) {
  std::vector<float> cumulative(bins);
  double running = 0;
  for (size_t bin = 0; bin < bins; bin++) cumulative[bin] = static_cast<float>(running += counts[bin]);
  const double total = sum(counts, bins);

  double alpha = 0, beta = 1;
  BinRange best = {0, bins - 1};
  float least = std::numeric_limits<float>::infinity();
  while (alpha < beta) {
    const double next_alpha = alpha + kQuantileStep, next_beta = beta - kQuantileStep;
    const float low = static_cast<float>(next_alpha * total), high = static_cast<float>(next_beta * total);
    size_t left = best.first, right = best.last;
    while (left < best.last && cumulative[left] < low) left++;
    while (right > best.first && cumulative[right] > high) right--;
    BinRange next = best;
    if (left - best.first > best.last - right) {
      next.first = left;
      alpha = next_alpha;
    } else {
      next.last = right;
      beta = next_beta;
    }
    if (next.first == best.first && next.last == best.last) continue;
    const float error = quantization_error(counts, bins, range, next, levels);
    if (error > least) break;
    least = error;
    best = next;
  }
  return best;
}

}  // namespace octavo::observe
