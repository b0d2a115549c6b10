// A tensor [N, C, ...] as batch norm's loops see it: its channels next to each other, or in planes.
#pragma once

#include <string>

#include "kernels/parallel.h"
#include "tensor/tensor_desc.h"

namespace octavo {

struct ChannelImage {
  int64_t images, channels, pixels;
  bool adjacent;  // [N, ..., C] in memory; otherwise [N, C, ...]

  // Throws std::invalid_argument, with `what` it is, unless it is float32, row-major or channels-last.
  ChannelImage(const TensorDesc& desc, const std::string& what);

  int64_t numel() const { return images * channels * pixels; }
  int64_t bytes() const { return numel() * int64_t{sizeof(float)}; }
  // Elements that a channel has.
  int64_t count() const { return images * pixels; }

  // Parts of the pixels whose sums are added up in order: as many for any number of threads, so that results
  // do not depend on it.
  int64_t parts() const;
  // Doubles that sum() needs as scratchpad.
  int64_t scratch() const { return adjacent ? 2 * channels * parts() : 0; }

  // Two sums over each channel. pixels(first element, first, second) adds one pixel's channels to both;
  // plane(first element, channel, first, second) adds one plane.
  template <typename Pixels, typename Plane>
  void sum(double* first, double* second, double* scratch, const Pixels& pixel, const Plane& plane) const;

  // pixel(first element) for every pixel, or plane(first element, channel) for every plane.
  template <typename Pixels, typename Plane>
  void each(const Pixels& pixel, const Plane& plane) const;
};

template <typename Pixels, typename Plane>
void ChannelImage::sum(double* first, double* second, double* scratch, const Pixels& pixel,
                       const Plane& plane) const {
  for (int64_t c = 0; c < channels; c++) first[c] = second[c] = 0;
  if (!adjacent) {
    kernels::parallel_for(channels, bytes(), [&](int64_t c) {
      for (int64_t image = 0; image < images; image++)
        plane((image * channels + c) * pixels, c, first + c, second + c);
    });
    return;
  }
  const int64_t count = parts(), all = this->count();
  kernels::parallel_for(count, bytes(), [&](int64_t part) {
    double* sums = scratch + 2 * channels * part;
    for (int64_t i = 0; i < 2 * channels; i++) sums[i] = 0;
    for (int64_t at = part * all / count; at < (part + 1) * all / count; at++)
      pixel(at * channels, sums, sums + channels);
  });
  for (int64_t part = 0; part < count; part++)
    for (int64_t c = 0; c < channels; c++) {
      first[c] += scratch[2 * channels * part + c];
      second[c] += scratch[2 * channels * part + channels + c];
    }
}

template <typename Pixels, typename Plane>
void ChannelImage::each(const Pixels& pixel, const Plane& plane) const {
  if (adjacent)
    kernels::parallel_for(count(), bytes(), [&](int64_t at) { pixel(at * channels); });
  else
    kernels::parallel_for(images * channels, bytes(),
                          [&](int64_t item) { plane(item * pixels, item % channels); });
}

}  // namespace octavo
