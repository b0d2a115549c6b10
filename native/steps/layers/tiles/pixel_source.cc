#include "steps/layers/tiles/pixel_source.h"

#include <algorithm>

#include "kernels/tiles/tile_product.h"
#include "steps/layers/images/layer_problem.h"

namespace octavo {

namespace {
bool are_all(const Dims& values, int64_t value) {
  return std::all_of(values.begin(), values.end(), [=](int64_t v) { return v == value; });
}

int64_t pixels_of(const TensorDesc& image) { return image.shape[0] * image.shape[2] * image.shape[3]; }
}  // namespace

// A tile reads kTileSide pixels at least. Steps must end where a pixel does, as there is nothing to read
// behind the last one.
bool PixelSource::takes(const onednn::ConvolutionProblem& problem) {
  return problem.weights[2] == 1 && problem.weights[3] == 1 && are_all(problem.stride, 1) &&
         are_all(problem.padding_begin, 0) && are_all(problem.padding_end, 0) &&
         has_dense_pixels(problem.src) && even_step(problem.src.shape[1]) > 0 &&
         pixels_of(problem.src) >= kernels::kTileSide;
}

PixelSource::PixelSource(const onednn::ConvolutionProblem& problem) {
  const auto& src = problem.src;
  width_ = pixels_of(src);
  cell_bytes_ = pixel_step(src);
  tap_bytes_ = src.shape[1];
  step_bytes_ = even_step(tap_bytes_);
  for (int64_t begin = 0; begin < tap_bytes_; begin += step_bytes_)
    steps_.push_back({{0}, begin, step_bytes_});
}

std::vector<int64_t> PixelSource::step_offsets(int64_t) const {
  std::vector<int64_t> offsets;
  for (const auto& step : steps_) offsets.push_back(step.begin);
  return offsets;
}

}  // namespace octavo
