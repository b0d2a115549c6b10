#include "kernels/training/channel_sums.h"

#include "kernels/multiversion.h"

namespace octavo::kernels {

OCTAVO_MULTIVERSION void add_pixel(const float* x, double* sums, double* squares, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const double value = x[i];
    sums[i] += value;
    squares[i] += value * value;
  }
}

OCTAVO_MULTIVERSION void add_pixel_gradient(const float* grad, const float* x, const float* mean,
                                            double* sums, double* products, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const double value = grad[i];
    sums[i] += value;
    products[i] += value * (x[i] - mean[i]);
  }
}

OCTAVO_MULTIVERSION void combine_pixel(const float* grad, const float* x, const float* a, const float* b,
                                       const float* c, float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = grad[i] * a[i] + x[i] * b[i] + c[i];
}

namespace {
// Sums at once, so that additions need not wait for each other.
constexpr int kSums = 16;

double total(const double* sums) {
  double all = 0;
  for (int i = 0; i < kSums; i++) all += sums[i];
  return all;
}
}  // namespace

OCTAVO_MULTIVERSION void add_plane(const float* x, double* sum, double* square, int64_t n) {
  double sums[kSums] = {}, squares[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int k = 0; k < kSums; k++) {
      const double value = x[i + k];
      sums[k] += value;
      squares[k] += value * value;
    }
  for (; i < n; i++) {
    const double value = x[i];
    sums[0] += value;
    squares[0] += value * value;
  }
  *sum += total(sums);
  *square += total(squares);
}

OCTAVO_MULTIVERSION void add_plane_gradient(const float* grad, const float* x, float mean, double* sum,
                                            double* product, int64_t n) {
  double sums[kSums] = {}, products[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int k = 0; k < kSums; k++) {
      const double value = grad[i + k];
      sums[k] += value;
      products[k] += value * (x[i + k] - mean);
    }
  for (; i < n; i++) {
    const double value = grad[i];
    sums[0] += value;
    products[0] += value * (x[i] - mean);
  }
  *sum += total(sums);
  *product += total(products);
}

OCTAVO_MULTIVERSION void combine_plane(const float* grad, const float* x, float a, float b, float c,
                                       float* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = grad[i] * a + x[i] * b + c;
}

}  // namespace octavo::kernels
