// The largest elements under the windows of a signal, an image or a volume, and where each of them is, as
// torch.max_pool2d_with_indices and its family have it.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/half_float.h"
#include "kernels/parallel.h"
#include "steps/reduction/pool_problem.h"

namespace octavo {

namespace {
// Depth, height and width: what a signal or an image lacks has extents of 1.
using Axes = std::array<PoolAxis, 3>;

Axes read_axes(const StepSpec& spec, bool adaptive) {
  const auto &src = spec.input(0, "the tensor").desc, &dst = spec.outputs.at(0);
  const size_t rank = src.shape.size();
  if (rank < 3 || rank > 5 || dst.shape.size() != rank || dst.dtype != src.dtype ||
      !std::equal(src.shape.begin(), src.shape.begin() + 2, dst.shape.begin()))
    throw std::invalid_argument(
        "pooling is over [N, C, L], [N, C, H, W] or [N, C, D, H, W], and keeps N and C");
  if (src.dtype != DType::f32 && src.dtype != DType::bf16 && !is_byte(src.dtype))
    throw std::invalid_argument(std::string("pooling does not compute in ") + dtype_name(src.dtype));
  const Dims ones(rank - 2, 1), zeros(rank - 2, 0);
  const auto list = [&](const char* name) {
    const Dims values = spec.attributes.dims(name);
    if (values.size() != rank - 2)
      throw std::invalid_argument(std::string(name) + " must hold " + std::to_string(rank - 2) + " numbers");
    return values;
  };
  const Dims kernel = adaptive ? ones : list("kernel"), stride = adaptive ? ones : list("stride"),
             padding = adaptive ? zeros : list("padding"), dilation = adaptive ? ones : list("dilation");
  Axes axes;
  axes.fill({1, 1, 1, 1, 0, 0, 1});
  for (size_t i = 0; i < rank - 2; i++) {
    const PoolAxis axis{src.shape[2 + i], dst.shape[2 + i], kernel[i],  stride[i],
                        padding[i],       padding[i],       dilation[i]};
    if (axis.kernel < 1 || axis.stride < 1 || axis.dilation < 1 || axis.padding < 0)
      throw std::invalid_argument("kernel, stride and dilation must be positive, padding not negative");
    if (axis.in < 1 && dst.numel() > 0) throw std::invalid_argument("there is nothing to pool over");
    for (int64_t at = 0; at < axis.out && !adaptive; at++)
      if (axis.window(at).begin >= axis.window(at).end)
        throw std::invalid_argument("window " + std::to_string(at) + " lies outside the input's extent " +
                                    std::to_string(axis.in));
    axes[5 - rank + i] = axis;
  }
  return axes;
}

float value_of(float value) { return value; }
float value_of(uint8_t value) { return value; }
float value_of(int8_t value) { return value; }
float value_of(uint16_t bfloat16) { return kernels::from_bf16(bfloat16); }

class MaximaWithIndices : public Step {
 public:
  explicit MaximaWithIndices(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        adaptive_(spec.attributes.boolean("adaptive", false)),
        axes_(read_axes(spec, adaptive_)) {
    const auto& shape = x_.desc().shape;
    planes_ = shape[0] * shape[1];
    const auto &values = spec.outputs[0], &indices = spec.outputs.at(1);
    if (indices.dtype != DType::s64 || indices.shape != values.shape || !indices.is_contiguous() ||
        !values.is_contiguous() || !x_.desc().is_contiguous())
      throw std::invalid_argument("all tensors must be row-major, the indices int64 in the values' shape");
  }

  void execute(const Buffers& buffers) override {
    switch (x_.desc().dtype) {
      case DType::bf16:
        return pool<uint16_t>(buffers);
      case DType::u8:
        return pool<uint8_t>(buffers);
      case DType::s8:
        return pool<int8_t>(buffers);
      default:
        return pool<float>(buffers);
    }
  }
  std::string implementation() const override { return "octavo:maxima"; }

 private:
  template <typename T>
  void pool(const Buffers& buffers) const {
    const auto* x = static_cast<const T*>(x_.data(buffers));
    auto* values = static_cast<T*>(buffers.outputs[0]);
    auto* indices = static_cast<int64_t*>(buffers.outputs[1]);
    const auto& [depth, height, width] = axes_;
    const int64_t from = depth.in * height.in * width.in, to = depth.out * height.out * width.out;
    kernels::parallel_for(planes_, planes_ * (from + to) * int64_t{sizeof(T)}, [&](int64_t plane) {
      const T* elements = x + plane * from;
      for (int64_t at = 0; at < to; at++) {
        const int64_t index =
            largest(elements, at / width.out / height.out, at / width.out % height.out, at % width.out);
        values[plane * to + at] = elements[index];
        indices[plane * to + at] = index;
      }
    });
  }

  // The first of the largest elements; the last NaN where there is one.
  template <typename T>
  int64_t largest(const T* elements, int64_t z, int64_t y, int64_t x) const {
    const auto& [depth, height, width] = axes_;
    const PoolWindow deep = window(depth, z), down = window(height, y), across = window(width, x);
    int64_t found = (deep.begin * height.in + down.begin) * width.in + across.begin;
    float most = -std::numeric_limits<float>::infinity();
    for (int64_t d = deep.begin; d < deep.end; d += deep.step)
      for (int64_t h = down.begin; h < down.end; h += down.step)
        for (int64_t w = across.begin; w < across.end; w += across.step) {
          const int64_t index = (d * height.in + h) * width.in + w;
          const float value = value_of(elements[index]);
          if (!(value > most) && !std::isnan(value)) continue;
          most = value;
          found = index;
        }
    return found;
  }

  PoolWindow window(const PoolAxis& axis, int64_t position) const {
    return adaptive_ ? axis.adaptive_window(position) : axis.window(position);
  }

  InputValue x_;
  bool adaptive_;
  Axes axes_;
  int64_t planes_;
};
}  // namespace

std::unique_ptr<Step> create_maxima_with_indices(const StepSpec& spec) {
  return std::make_unique<MaximaWithIndices>(spec);
}

}  // namespace octavo
