// The grid of coordinates that affine maps make of an image's own.
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/parallel.h"

namespace octavo {

namespace {
// From maps [N, R, R + 1] to a grid [N, (D,) H, W, R]. Attribute: alignCorners.
class AffineGrid : public Step {
 public:
  explicit AffineGrid(const StepSpec& spec)
      : maps_(spec, 0, "the maps"),
        output_(spec.outputs.at(0)),
        align_corners_(spec.attributes.boolean("alignCorners")) {
    const auto& maps = maps_.desc();
    const int64_t rank = static_cast<int64_t>(output_.shape.size()) - 2;
    if (rank < 1 || rank > kMaxRank || maps.dtype != DType::f32 || output_.dtype != DType::f32 ||
        !output_.is_contiguous() || output_.shape.back() != rank ||
        maps.shape != Dims{output_.shape[0], rank, rank + 1})
      throw std::invalid_argument(maps.to_string() + " are not float32 maps for a row-major grid " +
                                  output_.to_string());
  }

  void execute(const Buffers& buffers) override {
    const int64_t rank = output_.shape.back();
    const auto* maps = static_cast<const float*>(maps_.data(buffers));
    auto* out = static_cast<float*>(buffers.outputs[0]);
    if (output_.numel() == 0) return;
    const int64_t pixels = output_.numel() / rank;
    kernels::parallel_for(pixels, output_.numel() * static_cast<int64_t>(sizeof(float)), [&](int64_t pixel) {
      float place[kMaxRank];  // the coordinate along the last axis first
      int64_t index = pixel;
      for (int64_t i = 0; i < rank; i++) {
        const int64_t extent = output_.shape[static_cast<size_t>(rank - i)];
        place[i] = coordinate(index % extent, extent);
        index /= extent;
      }
      const auto& strides = maps_.desc().strides;
      for (int64_t row = 0; row < rank; row++) {
        const float* map = maps + index * strides[0] + row * strides[1];
        float sum = map[rank * strides[2]];
        for (int64_t i = 0; i < rank; i++) sum += map[i * strides[2]] * place[i];
        out[pixel * rank + row] = sum;
      }
    });
  }
  std::string implementation() const override { return "octavo:affine_grid"; }

 private:
  static constexpr int64_t kMaxRank = 3;

  // -1 and 1 are the centres of the outermost pixels, or their edges.
  float coordinate(int64_t at, int64_t extent) const {
    const auto position = static_cast<float>(at), size = static_cast<float>(extent);
    if (!align_corners_) return (2 * position + 1) / size - 1;
    return extent > 1 ? 2 * position / (size - 1) - 1 : 0;
  }

  InputValue maps_;
  TensorDesc output_;
  bool align_corners_;
};
}  // namespace

std::unique_ptr<Step> create_affine_grid(const StepSpec& spec) { return std::make_unique<AffineGrid>(spec); }

}  // namespace octavo
