// The gradient of pooling with respect to its input. Of a maximum, the first element of the window that has
// it takes the gradient, as in PyTorch; of an average, every element an equal part.
#include "kernels/training/pool_gradient.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "steps/reduction/pool_problem.h"

namespace octavo {

namespace {
// The pooling whose gradient it is. Inputs: the gradient of its result, then of a maximum its input and its
// result. The output has the shape of its input.
StepSpec forward_of(const StepSpec& spec) {
  return {spec.op,
          spec.node,
          spec.attributes,
          {{spec.outputs.at(0), nullptr}},
          {spec.input(0, "the gradient").desc}};
}

// Elements from one to the next along each extent of an image; a signal is an image of one line.
struct Strides {
  int64_t image, channel, line, column;

  explicit Strides(const TensorDesc& desc)
      : image(desc.strides[0]),
        channel(desc.strides[1]),
        line(desc.shape.size() == 4 ? desc.strides[2] : 0),
        column(desc.strides.back()) {}
};

class PoolGradient : public Step {
 public:
  explicit PoolGradient(const StepSpec& spec)
      : p_(forward_of(spec)), grad_(spec, 0, "the gradient"), to_(p_.src), of_(p_.dst) {
    if (p_.axes.size() == 1) p_.axes.insert(p_.axes.begin(), {1, 1, 1, 1, 0, 0, 1});
    for (const auto* desc : {&p_.src, &p_.dst})
      if (desc->dtype != DType::f32)
        throw std::invalid_argument(std::string("gradients of pooling are computed in float32, not in ") +
                                    dtype_name(desc->dtype));
    if (p_.src.numel() != static_cast<int64_t>(p_.src.span_bytes() / sizeof(float)))
      throw std::invalid_argument("the result must be dense");
    if (p_.algorithm != PoolAlgorithm::max) return;
    maximum_.emplace(spec, p_);
  }

  void execute(const Buffers& buffers) override {
    auto* to = static_cast<float*>(buffers.outputs[0]);
    const auto* grad = static_cast<const float*>(grad_.data(buffers));
    const auto* x = maximum_ ? static_cast<const float*>(maximum_->x.data(buffers)) : nullptr;
    const auto* found = maximum_ ? static_cast<const float*>(maximum_->found.data(buffers)) : nullptr;
    std::memset(to, 0, p_.src.span_bytes());
    const int64_t images = p_.src.shape[0], channels = p_.src.shape[1];
    const int64_t bytes = (p_.src.numel() + p_.dst.numel()) * int64_t{sizeof(float)};
    // Windows overlap, so one thread adds to an image: to all channels at once where they are next to each
    // other, else to one channel.
    const int64_t width = are_adjacent() ? channels : 1, parts = channels / width;
    kernels::parallel_for(images * parts, bytes, [&](int64_t item) {
      const int64_t image = item / parts, channel = item % parts * width;
      const auto at = [&](const float* data, const Strides& strides) {
        return data + image * strides.image + channel * strides.channel;
      };
      if (maximum_)
        give(at(grad, of_), at(x, maximum_->x_strides), at(found, maximum_->found_strides),
             to + image * to_.image + channel * to_.channel, width);
      else
        spread(at(grad, of_), to + image * to_.image + channel * to_.channel, width);
    });
  }

  std::string implementation() const override { return "octavo:pool_gradient"; }

 private:
  // What a maximum's gradient is found by.
  struct Maximum {
    InputValue x, found;
    Strides x_strides, found_strides;

    Maximum(const StepSpec& spec, const PoolProblem& p)
        : x(spec, 1, "the pooled tensor"),
          found(spec, 2, "the maxima"),
          x_strides(x.desc()),
          found_strides(found.desc()) {
      for (const auto& [input, like] : {std::pair{&x, &p.src}, std::pair{&found, &p.dst}})
        if (input->desc().dtype != like->dtype || input->desc().shape != like->shape)
          throw std::invalid_argument("expected " + like->to_string() + ", got " + input->desc().to_string());
    }
  };

  bool are_adjacent() const {
    const bool plain = to_.channel == 1 && of_.channel == 1;
    return plain && (!maximum_ || (maximum_->x_strides.channel == 1 && maximum_->found_strides.channel == 1));
  }

  PoolWindow window(const PoolAxis& axis, int64_t at) const {
    return p_.algorithm == PoolAlgorithm::avg_adaptive ? axis.adaptive_window(at) : axis.window(at);
  }

  float divisor(const PoolWindow& lines, const PoolWindow& columns) const {
    if (p_.divisor != 0) return static_cast<float>(p_.divisor);
    return static_cast<float>(p_.algorithm == PoolAlgorithm::avg_include_padding
                                  ? lines.counted * columns.counted
                                  : lines.inside() * columns.inside());
  }

  template <typename Body>
  void each_window(const Body& body) const {
    for (int64_t line = 0; line < p_.axes[0].out; line++)
      for (int64_t column = 0; column < p_.axes[1].out; column++)
        body(line, column, window(p_.axes[0], line), window(p_.axes[1], column));
  }

  // The gradient of `width` channels of one image to the maxima that were found.
  void give(const float* grad, const float* x, const float* found, float* to, int64_t width) const {
    std::vector<float> left(static_cast<size_t>(width));
    const auto &from = maximum_->x_strides, &maxima = maximum_->found_strides;
    each_window([&](int64_t line, int64_t column, const PoolWindow& lines, const PoolWindow& columns) {
      std::copy_n(grad + line * of_.line + column * of_.column, width, left.data());
      const float* largest = found + line * maxima.line + column * maxima.column;
      for (int64_t i = lines.begin; i < lines.end; i += lines.step)
        for (int64_t k = columns.begin; k < columns.end; k += columns.step)
          kernels::give_to_maxima(x + i * from.line + k * from.column, largest, left.data(),
                                  to + i * to_.line + k * to_.column, width);
    });
  }

  // The same for averages, of which each element has a part.
  void spread(const float* grad, float* to, int64_t width) const {
    each_window([&](int64_t line, int64_t column, const PoolWindow& lines, const PoolWindow& columns) {
      const float* from = grad + line * of_.line + column * of_.column;
      const float factor = 1 / divisor(lines, columns);
      for (int64_t i = lines.begin; i < lines.end; i += lines.step)
        for (int64_t k = columns.begin; k < columns.end; k += columns.step)
          kernels::add_parts(from, factor, to + i * to_.line + k * to_.column, width);
    });
  }

  PoolProblem p_;
  InputValue grad_;
  std::optional<Maximum> maximum_;
  Strides to_, of_;  // of the result, and of the gradient
};
}  // namespace

std::unique_ptr<Step> create_pool_gradient(const StepSpec& spec) {
  return std::make_unique<PoolGradient>(spec);
}

}  // namespace octavo
