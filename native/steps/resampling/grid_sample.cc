// Images read at the places that a grid of coordinates names.
#include <algorithm>
#include <stdexcept>
#include <vector>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/multiversion.h"
#include "kernels/parallel.h"
#include "steps/resampling/grid_axis.h"

namespace octavo {

namespace {
// Where the pixels of a row read an image: offsets of elements in a channel and their weights, a row of
// `most` for each pixel, of which the first `counts` are used.
struct Reads {
  Reads(int64_t pixels, int64_t most)
      : most(most), counts(pixels), offsets(pixels * most), weights(pixels * most) {}

  int64_t most;
  std::vector<int64_t> counts, offsets;
  std::vector<float> weights;
};

OCTAVO_MULTIVERSION void add_scaled(const float* __restrict a, float weight, float* __restrict out,
                                    int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] += a[i] * weight;
}

GridMode mode_of(const std::string& name) {
  if (name == "bilinear") return GridMode::bilinear;
  if (name == "nearest") return GridMode::nearest;
  if (name == "bicubic") return GridMode::bicubic;
  throw std::invalid_argument("mode must be 'bilinear', 'nearest' or 'bicubic', got '" + name + "'");
}

GridPadding padding_of(const std::string& name) {
  if (name == "zeros") return GridPadding::zeros;
  if (name == "border") return GridPadding::border;
  if (name == "reflection") return GridPadding::reflection;
  throw std::invalid_argument("padding must be 'zeros', 'border' or 'reflection', got '" + name + "'");
}

// Inputs: images [N, C, (D,) H, W] and a grid [N, (D',) H', W', 2 or 3], whose coordinates begin with that
// along W. Attributes: mode, padding, alignCorners.
class GridSample : public Step {
 public:
  explicit GridSample(const StepSpec& spec)
      : x_(spec, 0, "the images"), grid_(spec, 1, "the grid"), output_(spec.outputs.at(0)) {
    const auto &x = x_.desc(), &grid = grid_.desc();
    const size_t rank = x.shape.size();
    Dims expected{x.shape.empty() ? 0 : x.shape[0], rank < 2 ? 0 : x.shape[1]};
    if (rank < 3 || grid.shape.size() != rank || grid.shape[0] != x.shape[0] ||
        grid.shape.back() != static_cast<int64_t>(rank) - 2)
      throw std::invalid_argument("the grid must be one for each image, with " + std::to_string(rank - 2) +
                                  " coordinates, got " + grid.to_string());
    expected.insert(expected.end(), grid.shape.begin() + 1, grid.shape.end() - 1);
    for (const TensorDesc* desc : {&x, &grid, static_cast<const TensorDesc*>(&output_)})
      if (desc->dtype != DType::f32)
        throw std::invalid_argument("float32 expected, got " + desc->to_string());
    if (output_.shape != expected)
      throw std::invalid_argument("the output must be " + TensorDesc{DType::f32, expected, {}}.to_string());
    const GridMode mode = mode_of(spec.attributes.text("mode"));
    const GridPadding padding = padding_of(spec.attributes.text("padding"));
    for (size_t i = 2; i < rank; i++) {
      if (x.shape[i] == 0) throw std::invalid_argument("images without pixels: " + x.to_string());
      axes_.emplace_back(x.shape[i], mode, padding, spec.attributes.boolean("alignCorners"));
      most_ *= axes_.back().most();
    }
  }

  void execute(const Buffers& buffers) override {
    const size_t last = output_.shape.size() - 1;
    const int64_t width = output_.shape[last];
    if (output_.numel() == 0) return;
    const int64_t rows = output_.numel() / width / output_.shape[1];
    const auto bytes = output_.numel() * 4 * static_cast<int64_t>(sizeof(float));
    kernels::parallel_for(rows, bytes, [&](int64_t index) {
      const auto* image = static_cast<const float*>(x_.data(buffers));
      const auto* grid = static_cast<const float*>(grid_.data(buffers));
      auto* out = static_cast<float*>(buffers.outputs[0]);
      // Over all extents of the grid but its last two: those of the output but its channels and its width.
      for (size_t i = last; i-- > 0;) {
        if (i == 1) continue;
        const int64_t at = index % output_.shape[i];
        index /= output_.shape[i];
        out += at * output_.strides[i];
        grid += at * grid_.desc().strides[i == 0 ? 0 : i - 1];
        if (i == 0) image += at * x_.desc().strides[0];
      }
      sample_row(image, grid, out, width);
    });
  }
  std::string implementation() const override { return "octavo:grid_sample"; }

 private:
  void sample_row(const float* image, const float* grid, float* out, int64_t width) const {
    const auto &strides = x_.desc().strides, &grid_strides = grid_.desc().strides;
    const int64_t channels = output_.shape[1], pixel = output_.strides.back(), channel = output_.strides[1];
    Reads reads(width, most_);
    for (int64_t i = 0; i < width; i++)
      read(grid + i * grid_strides[grid_strides.size() - 2], grid_strides.back(), i, reads);
    if (strides[1] == 1 && channel == 1)
      for (int64_t i = 0; i < width; i++, out += pixel) {
        std::fill_n(out, channels, 0.0f);
        for (int64_t k = i * most_; k < i * most_ + reads.counts[i]; k++)
          add_scaled(image + reads.offsets[k], reads.weights[k], out, channels);
      }
    else
      for (int64_t c = 0; c < channels; c++, image += strides[1], out += channel)
        for (int64_t i = 0; i < width; i++) {
          float sum = 0;
          for (int64_t k = i * most_; k < i * most_ + reads.counts[i]; k++)
            sum += image[reads.offsets[k]] * reads.weights[k];
          out[i * pixel] = sum;
        }
  }

  // The coordinate along the last axis comes first. Every axis multiplies the elements that are read.
  void read(const float* coordinates, int64_t step, int64_t pixel, Reads& reads) const {
    int64_t* offsets = reads.offsets.data() + pixel * most_;
    float* weights = reads.weights.data() + pixel * most_;
    int64_t count = 1;
    offsets[0] = 0;
    weights[0] = 1;
    for (size_t i = 0; i < axes_.size(); i++) {
      const GridTaps taps = axes_[i].at(coordinates[static_cast<int64_t>(axes_.size() - 1 - i) * step]);
      const int64_t stride = x_.desc().strides[2 + i];
      for (int64_t j = taps.count; j-- > 0;)
        for (int64_t k = 0; k < count; k++) {
          offsets[j * count + k] = offsets[k] + taps.positions[j] * stride;
          weights[j * count + k] = weights[k] * taps.weights[j];
        }
      count *= taps.count;
    }
    reads.counts[pixel] = count;
  }

  InputValue x_, grid_;
  TensorDesc output_;
  std::vector<GridAxis> axes_;
  int64_t most_ = 1;  // elements that a pixel reads
};
}  // namespace

std::unique_ptr<Step> create_grid_sample(const StepSpec& spec) { return std::make_unique<GridSample>(spec); }

}  // namespace octavo
