// Regions of images, each averaged in a grid of bins, which are sampled between the pixels (RoIAlign).
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "contract/table.h"
#include "kernels/multiversion.h"
#include "kernels/parallel.h"
#include "rows/index_tensor.h"

namespace octavo {

namespace {
// Along one axis of a bin, and of a region.
constexpr int64_t kMostSamples = 1024;
constexpr int64_t kMostBins = 1024;

// Places along one axis of a region, and how much of the pixels around them they read.
struct Samples {
  int64_t count = 0;  // in each bin
  std::vector<int64_t> low, high;
  std::vector<float> low_weights, high_weights;  // 0 outside of the image

  void resize(size_t size) {
    low.resize(size);
    high.resize(size);
    low_weights.resize(size);
    high_weights.resize(size);
  }
};

// PyTorch's and ONNX Runtime's arithmetic, in float32.
void place_samples(float begin, float bin, int64_t bins, int64_t count, int64_t extent, Samples& samples) {
  samples.count = count;
  samples.resize(static_cast<size_t>(bins * count));
  for (int64_t i = 0; i < bins * count; i++) {
    const auto at = static_cast<size_t>(i);
    const float within = (static_cast<float>(i % count) + 0.5f) * bin / static_cast<float>(count);
    float place = begin + static_cast<float>(i / count) * bin + within;
    const bool inside = place >= -1.0f && place <= static_cast<float>(extent);
    place = inside ? std::max(place, 0.0f) : 0.0f;
    const int64_t low = std::min(static_cast<int64_t>(place), extent - 1);
    if (low == extent - 1) place = static_cast<float>(low);
    samples.low[at] = low;
    samples.high[at] = std::min(low + 1, extent - 1);
    const float high_weight = place - static_cast<float>(low);
    samples.low_weights[at] = inside ? 1 - high_weight : 0;
    samples.high_weights[at] = inside ? high_weight : 0;
  }
}

OCTAVO_MULTIVERSION void add_pixels(const float* __restrict a, const float* __restrict b,
                                    const float* __restrict c, const float* __restrict d,
                                    const float* weights, float* __restrict out, int64_t n) {
  for (int64_t i = 0; i < n; i++)
    out[i] += weights[0] * a[i] + weights[1] * b[i] + weights[2] * c[i] + weights[3] * d[i];
}

// Inputs: images [N, C, H, W], regions [K, 4] (x, y, x, y) and the image of each, int64 [K]. Attributes:
// scale, samplesPerAxis (0: as many as a bin has pixels), aligned (half a pixel to the left and up).
class RoiAlign : public Step {
 public:
  explicit RoiAlign(const StepSpec& spec)
      : x_(spec, 0, "the images"),
        regions_(spec, 1, "the regions"),
        images_(spec, 2, "the images of the regions", scratch_),
        output_(spec.outputs.at(0)),
        scale_(static_cast<float>(spec.attributes.number("scale"))),
        samples_(spec.attributes.integer("samplesPerAxis")),
        aligned_(spec.attributes.boolean("aligned")) {
    const auto& x = x_.desc();
    const int64_t count = images_.desc().numel();
    if (x.shape.size() != 4 || x.dtype != DType::f32 || output_.dtype != DType::f32)
      throw std::invalid_argument("float32[N, C, H, W] expected, got " + x.to_string());
    if (x.shape[2] == 0 || x.shape[3] == 0)
      throw std::invalid_argument("images without pixels: " + x.to_string());
    if (regions_.desc().shape != Dims{count, 4} || regions_.desc().dtype != DType::f32)
      throw std::invalid_argument("the regions must be float32[" + std::to_string(count) + ", 4], got " +
                                  regions_.desc().to_string());
    if (samples_ > kMostSamples)
      throw std::invalid_argument("samplesPerAxis is at most " + std::to_string(kMostSamples) + ", got " +
                                  std::to_string(samples_));
    corners_.resize(static_cast<size_t>(4 * count));
    if (output_.shape.size() != 4 || output_.shape[0] != count || output_.shape[1] != x.shape[1])
      throw std::invalid_argument("the output must be a grid for each region and channel, got " +
                                  output_.to_string());
  }

  void execute(const Buffers& buffers) override {
    const int64_t* images = images_.read(buffers, x_.desc().shape[0], false);
    // A copy: a caller may write to the regions after they were checked.
    const auto* regions = static_cast<const float*>(regions_.data(buffers));
    const auto& strides = regions_.desc().strides;
    for (int64_t i = 0; i < 4 * output_.shape[0]; i++)
      corners_[static_cast<size_t>(i)] = regions[i / 4 * strides[0] + i % 4 * strides[1]];
    for (int64_t i = 0; i < output_.shape[0]; i++) check(&corners_[static_cast<size_t>(4 * i)]);
    const auto bytes = output_.numel() * 4 * 4 * static_cast<int64_t>(sizeof(float));
    kernels::parallel_for(output_.shape[0], bytes, [&](int64_t region) {
      const auto* image = static_cast<const float*>(x_.data(buffers)) + images[region] * x_.desc().strides[0];
      const float* corners = &corners_[static_cast<size_t>(4 * region)];
      auto* out = static_cast<float*>(buffers.outputs[0]) + region * output_.strides[0];
      Samples rows, columns;
      place_axis(corners[1], corners[3], 2, rows);
      place_axis(corners[0], corners[2], 3, columns);
      average(image, rows, columns, out);
    });
  }
  std::string implementation() const override { return "octavo:roi_align"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  void place_axis(float first, float last, size_t axis, Samples& samples) const {
    const float offset = aligned_ ? 0.5f : 0.0f;
    const float begin = first * scale_ - offset;
    float length = last * scale_ - offset - begin;
    if (!aligned_) length = std::max(length, 1.0f);
    const int64_t bins = output_.shape[axis], extent = x_.desc().shape[axis];
    const float bin = length / static_cast<float>(bins);
    const int64_t count = samples_ > 0 ? samples_ : whole_pixels(bin);
    place_samples(begin, bin, bins, count, extent, samples);
  }

  static int64_t whole_pixels(float bin) { return bin > 0 ? static_cast<int64_t>(std::ceil(bin)) : 0; }

  // A region that is broken must take neither all time nor all memory. Threads cannot throw.
  void check(const float* corners) const {
    for (int64_t axis = 0; axis < 2; axis++) {
      const int64_t bins = output_.shape[axis == 0 ? 3 : 2];
      const float length = (corners[axis + 2] - corners[axis]) * scale_;
      const float bin = length / static_cast<float>(bins);
      if (samples_ <= 0 && bin > static_cast<float>(kMostSamples))
        throw std::out_of_range("a region has bins of " + std::to_string(bin) + " pixels, more than " +
                                std::to_string(kMostSamples));
      if (bins > kMostBins)
        throw std::out_of_range("a grid of " + std::to_string(bins) + " bins along an axis; at most " +
                                std::to_string(kMostBins) + " are computed");
    }
  }

  void average(const float* image, const Samples& rows, const Samples& columns, float* out) const {
    const auto &x = x_.desc().strides, &y = output_.strides;
    const int64_t channels = output_.shape[1];
    const bool contiguous = x[1] == 1 && y[1] == 1;
    const float number = static_cast<float>(std::max<int64_t>(rows.count * columns.count, 1));
    for (int64_t h = 0; h < output_.shape[2]; h++)
      for (int64_t w = 0; w < output_.shape[3]; w++) {
        float* bin = out + h * y[2] + w * y[3];
        for (int64_t c = 0; c < channels; c++) bin[c * y[1]] = 0;
        for (int64_t i = h * rows.count; i < (h + 1) * rows.count; i++)
          for (int64_t j = w * columns.count; j < (w + 1) * columns.count; j++)
            add_sample(image, rows, static_cast<size_t>(i), columns, static_cast<size_t>(j), contiguous, bin);
        for (int64_t c = 0; c < channels; c++) bin[c * y[1]] /= number;
      }
  }

  void add_sample(const float* image, const Samples& rows, size_t i, const Samples& columns, size_t j,
                  bool contiguous, float* out) const {
    const auto& x = x_.desc().strides;
    const float weights[4] = {
        rows.low_weights[i] * columns.low_weights[j], rows.low_weights[i] * columns.high_weights[j],
        rows.high_weights[i] * columns.low_weights[j], rows.high_weights[i] * columns.high_weights[j]};
    const float* low = image + rows.low[i] * x[2];
    const float* high = image + rows.high[i] * x[2];
    const int64_t left = columns.low[j] * x[3], right = columns.high[j] * x[3];
    const int64_t channels = output_.shape[1];
    if (contiguous)
      return add_pixels(low + left, low + right, high + left, high + right, weights, out, channels);
    for (int64_t c = 0; c < channels; c++, low += x[1], high += x[1], out += output_.strides[1])
      *out += weights[0] * low[left] + weights[1] * low[right] + weights[2] * high[left] +
              weights[3] * high[right];
  }

  ScratchLayout scratch_;
  InputValue x_, regions_;
  IndexTensor images_;
  TensorDesc output_;
  float scale_;
  int64_t samples_;
  bool aligned_;
  std::vector<float> corners_;
};
}  // namespace

std::unique_ptr<Step> create_roi_align(const StepSpec& spec) { return std::make_unique<RoiAlign>(spec); }

}  // namespace octavo
