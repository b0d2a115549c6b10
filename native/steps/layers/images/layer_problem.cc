#include "steps/layers/images/layer_problem.h"

namespace octavo {

namespace {
// Extents of 1 have strides that do not matter.
bool adjoins(const TensorDesc& image, size_t axis, int64_t stride) {
  return image.shape[axis] == 1 || image.strides[axis] == stride;
}
}  // namespace

LayerProblem with_adjacent_channels(LayerProblem problem) {
  auto& convolution = problem.convolution;
  convolution.src = with_adjacent_channels(convolution.src);
  convolution.dst = with_adjacent_channels(convolution.dst);
  if (problem.addend) problem.addend = with_adjacent_channels(*problem.addend);
  return problem;
}

int64_t pixel_step(const TensorDesc& image) {
  const auto &shape = image.shape, &strides = image.strides;
  if (shape[3] > 1) return strides[3];
  if (shape[2] > 1) return strides[2];
  return shape[0] > 1 ? strides[0] : shape[1];
}

int64_t pixel_offset(const TensorDesc& desc, int64_t image, int64_t row, int64_t column) {
  return image * desc.strides[0] + row * desc.strides[2] + column * desc.strides[3];
}

bool has_dense_pixels(const TensorDesc& image) {
  const int64_t step = pixel_step(image);
  return adjoins(image, 3, step) && adjoins(image, 2, step * image.shape[3]) &&
         adjoins(image, 0, step * image.shape[3] * image.shape[2]);
}

}  // namespace octavo
