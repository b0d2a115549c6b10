#include "steps/resampling/taps.h"

#include <algorithm>
#include <stdexcept>

#include "kernels/multiversion.h"
#include "kernels/parallel.h"

namespace octavo {

namespace {
constexpr int64_t kBlock = 4 * 1024;  // elements that a thread computes at a time

OCTAVO_MULTIVERSION void scale_row(const float* __restrict a, float wa, float* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] * wa;
}

OCTAVO_MULTIVERSION void blend_rows(const float* __restrict a, float wa, const float* __restrict b, float wb,
                                    float* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = a[i] * wa + b[i] * wb;
}

OCTAVO_MULTIVERSION void add_scaled_row(const float* __restrict a, float wa, float* __restrict out,
                                        int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] += a[i] * wa;
}

// A sum of `count` rows, `step` elements apart.
void combine_rows(const float* rows, int64_t step, const float* weights, int64_t count, float* out,
                  int64_t n) {
  if (count == 1) return scale_row(rows, weights[0], out, n);
  blend_rows(rows, weights[0], rows + step, weights[1], out, n);
  for (int64_t k = 2; k < count; k++) add_scaled_row(rows + k * step, weights[k], out, n);
}

// out[i] += row[begins[i]] * weights[i], where the weight is not 0: infinity times 0 would not be a number.
OCTAVO_MULTIVERSION void add_gathered(const float* __restrict row, const int32_t* __restrict begins,
                                      const float* __restrict weights, float* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float value = row[begins[i]], weight = weights[i];
    out[i] += weight != 0 ? value * weight : 0.0f;
  }
}
}  // namespace

Taps::Taps(const Attributes& attributes, int64_t extent) : from_(extent) {
  const Dims begins = attributes.dims("begins"), counts = attributes.dims("counts");
  weights_ = attributes.floats("weights");
  for (int64_t count : counts) longest_ = std::max(longest_, count);
  if (begins.size() != counts.size() || weights_.size() != counts.size() * static_cast<size_t>(longest_))
    throw std::invalid_argument("begins, counts and weights of an axis do not fit each other");
  for (size_t i = 0; i < begins.size(); i++)
    if (counts[i] < 0 || begins[i] < 0 || begins[i] + counts[i] > extent)
      throw std::invalid_argument("position " + std::to_string(i) + " reads " + std::to_string(counts[i]) +
                                  " from " + std::to_string(begins[i]) + " on, of an extent of " +
                                  std::to_string(extent));
  begins_.assign(begins.begin(), begins.end());
  counts_.assign(counts.begin(), counts.end());
  window_weights_.resize(weights_.size());
  for (size_t i = 0; i < counts.size(); i++) {
    const int64_t begin = std::min(begins[i], extent - longest_), shift = begins[i] - begin;
    window_begins_.push_back(static_cast<int32_t>(begin));
    for (int64_t k = 0; k < counts[i]; k++)
      window_weights_[(k + shift) * to() + i] = weights_[i * longest_ + k];
  }
}

void Taps::apply(const float* src, float* dst, int64_t outer, int64_t inner, float outside) const {
  if (outer * inner * to() == 0) return;
  if (inner == 1)
    along(src, dst, outer, outside);
  else
    across(src, dst, outer, inner, outside);
}

void Taps::across(const float* src, float* dst, int64_t outer, int64_t inner, float outside) const {
  const int64_t positions = std::clamp<int64_t>(kBlock / inner, 1, to());
  const int64_t blocks = (to() + positions - 1) / positions;
  const int64_t bytes = outer * inner * (from_ + to()) * static_cast<int64_t>(sizeof(float));
  kernels::parallel_for(outer * blocks, bytes, [&](int64_t item) {
    const float* image = src + item / blocks * from_ * inner;
    const int64_t begin = item % blocks * positions, end = std::min(begin + positions, to());
    float* out = dst + (item / blocks * to() + begin) * inner;
    for (int64_t i = begin; i < end; i++, out += inner) {
      if (is_outside(i))
        std::fill_n(out, inner, outside);
      else
        combine_rows(image + begins_[i] * inner, inner, weights_.data() + i * longest_, counts_[i], out,
                     inner);
    }
  });
}

void Taps::along(const float* src, float* dst, int64_t rows, float outside) const {
  const int64_t bytes = rows * (from_ + to() * longest_) * static_cast<int64_t>(sizeof(float));
  kernels::parallel_for(rows, bytes, [&](int64_t index) {
    const float* row = src + index * from_;
    float* out = dst + index * to();
    std::fill_n(out, to(), 0.0f);
    for (int64_t k = 0; k < longest_; k++)
      add_gathered(row + k, window_begins_.data(), window_weights_.data() + k * to(), out, to());
    for (int64_t i = 0; i < to(); i++)
      if (is_outside(i)) out[i] = outside;
  });
}

}  // namespace octavo
