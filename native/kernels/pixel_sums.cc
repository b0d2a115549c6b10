#include "kernels/pixel_sums.h"

#include <algorithm>

#include "kernels/multiversion.h"

namespace octavo::kernels {

OCTAVO_MULTIVERSION void add_pixels(const float* from, int64_t from_step, float* to, int64_t to_step,
                                    int64_t pixels, int64_t channels) {
  for (int64_t pixel = 0; pixel < pixels; pixel++) {
    const float* row = from + pixel * from_step;
    float* sums = to + pixel * to_step;
    for (int64_t c = 0; c < channels; c++) sums[c] += row[c];
  }
}

void fill_pixels(const float* values, float* to, int64_t pixels, int64_t channels) {
  if (!values) {
    std::fill(to, to + pixels * channels, 0.0f);
    return;
  }
  for (int64_t pixel = 0; pixel < pixels; pixel++) std::copy_n(values, channels, to + pixel * channels);
}

}  // namespace octavo::kernels
