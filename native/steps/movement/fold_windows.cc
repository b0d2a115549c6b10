// Sums of overlapping windows: what unfolding read, added up in the image where it was read.
#include <algorithm>
#include <stdexcept>
#include <vector>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/float_rows.h"
#include "kernels/parallel.h"

namespace octavo {

namespace {
// Attributes, each for rows and columns: kernel, stride, padding, dilation. From [N, C, KH, KW, H', W'], the
// windows' positions last, to [N, C, H, W].
class Fold : public Step {
 public:
  explicit Fold(const StepSpec& spec)
      : x_(spec, 0, "the windows"),
        output_(spec.outputs.at(0)),
        stride_(pair(spec, "stride", 1)),
        padding_(pair(spec, "padding", 0)),
        dilation_(pair(spec, "dilation", 1)) {
    const auto& x = x_.desc();
    if (x.shape.size() != 6 || output_.shape.size() != 4 || x.shape[0] != output_.shape[0] ||
        x.shape[1] != output_.shape[1] || x.dtype != output_.dtype || !output_.is_contiguous() ||
        (x.dtype != DType::f32 && x.dtype != DType::bf16))
      throw std::invalid_argument(x.to_string() + " are not float32 or bfloat16 windows of a row-major " +
                                  output_.to_string());
  }

  void execute(const Buffers& buffers) override {
    const int64_t height = output_.shape[2], width = output_.shape[3];
    const auto size = static_cast<int64_t>(dtype_size(output_.dtype));
    const char* src = static_cast<const char*>(x_.data(buffers));
    char* dst = static_cast<char*>(buffers.outputs[0]);
    if (output_.numel() == 0) return;
    kernels::parallel_for(output_.numel() / width, x_.desc().numel() * size, [&](int64_t row) {
      std::vector<float> sums(static_cast<size_t>(width), 0.0f);
      const auto& strides = x_.desc().strides;
      const int64_t plane = row / height;
      const int64_t at = plane / output_.shape[1] * strides[0] + plane % output_.shape[1] * strides[1];
      add_windows(src + at * size, row % height, sums.data());
      kernels::store_row(output_.dtype, sums.data(), dst + row * width * size, width, 1, 0, {0, 0});
    });
  }
  std::string implementation() const override { return "octavo:fold_windows"; }

 private:
  static Dims pair(const StepSpec& spec, const char* name, int64_t least) {
    const Dims values = spec.attributes.dims(name);
    if (values.size() != 2 || *std::min_element(values.begin(), values.end()) < least)
      throw std::invalid_argument(std::string("attribute '") + name + "' must be two numbers of at least " +
                                  std::to_string(least));
    return values;
  }

  // Adds what the windows of a plane have of row `y` of the image.
  void add_windows(const char* plane, int64_t y, float* sums) const {
    const auto& shape = x_.desc().shape;
    const auto& strides = x_.desc().strides;
    for (int64_t i = 0; i < shape[2]; i++) {
      const int64_t top = y + padding_[0] - i * dilation_[0];
      if (top < 0 || top % stride_[0] != 0 || top / stride_[0] >= shape[4]) continue;
      for (int64_t j = 0; j < shape[3]; j++) {
        const int64_t offset = i * strides[2] + j * strides[3] + top / stride_[0] * strides[4];
        const int64_t left = j * dilation_[1] - padding_[1];
        for (int64_t column = 0; column < shape[5]; column++) {
          const int64_t x = left + column * stride_[1];
          if (x >= 0 && x < output_.shape[3]) sums[x] += load(plane, offset + column * strides[5]);
        }
      }
    }
  }

  float load(const char* plane, int64_t offset) const {
    float value;
    kernels::load_row(output_.dtype, plane + offset * static_cast<int64_t>(dtype_size(output_.dtype)), &value,
                      1, 1, 0);
    return value;
  }

  InputValue x_;
  TensorDesc output_;
  Dims stride_, padding_, dilation_;
};
}  // namespace

std::unique_ptr<Step> create_fold_windows(const StepSpec& spec) { return std::make_unique<Fold>(spec); }

}  // namespace octavo
