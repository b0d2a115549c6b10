// Pooling over windows: oneDNN where it has a fast kernel, our own channels-last loops elsewhere (uneven
// adaptive windows, ceil mode's cut windows, int8 averages with a zero point, the maximum of bytes, layouts
// oneDNN has no kernel for).
#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "kernels/byte_maximum.h"
#include "kernels/parallel.h"
#include "kernels/reduction.h"
#include "kernels/row_conversion.h"
#include "onednn/pooling.h"
#include "primitives/input_value.h"
#include "primitives/pointwise.h"
#include "primitives/strided.h"
#include "primitives/table.h"
#include "tensor/channel_blocks.h"

namespace octavo {

namespace {
enum class Algorithm { max, avg_include_padding, avg_exclude_padding, avg_adaptive };

Algorithm algorithm_from_name(const std::string& name) {
  if (name == "max") return Algorithm::max;
  if (name == "avg_include_padding") return Algorithm::avg_include_padding;
  if (name == "avg_exclude_padding") return Algorithm::avg_exclude_padding;
  if (name == "avg_adaptive") return Algorithm::avg_adaptive;
  throw std::invalid_argument("unknown pooling algorithm '" + name + "'");
}

// The window of one output position along one extent: where it lies in the input, and how many positions
// count for an average over padding.
struct Window {
  int64_t begin, end, step, counted;

  // Positions inside the input.
  int64_t inside() const { return (end - begin + step - 1) / step; }
};

// One spatial extent.
struct Axis {
  int64_t in, out, kernel, stride, padding, padding_end, dilation;

  int64_t reach() const { return (kernel - 1) * dilation + 1; }

  Window window(int64_t position) const {
    const int64_t first = position * stride - padding;
    const int64_t last = std::min(first + reach(), in + padding_end);
    int64_t begin = first;
    if (begin < 0) begin += (-begin + dilation - 1) / dilation * dilation;
    return {begin, std::min(first + reach(), in), dilation, last - first};
  }

  // Even parts as near as integers allow, as PyTorch cuts them.
  Window adaptive_window(int64_t position) const {
    const int64_t begin = position * in / out, end = ((position + 1) * in + out - 1) / out;
    return {begin, end, 1, end - begin};
  }
};

struct Problem {
  TensorDesc src, dst;
  Algorithm algorithm;
  std::vector<Axis> axes;  // one or two
  double divisor;          // 0: the window's own count
  kernels::Affine source, target;

  explicit Problem(const StepSpec& spec);
  bool is_plain() const { return source.scale == target.scale && source.zero_point == target.zero_point; }

 private:
  void use_even_windows();
};

// Blocks of channels are pooled as images of their own. False where there are none.
bool unblock(TensorDesc& src, TensorDesc& dst) {
  if (!is_in_blocks(src) && !is_in_blocks(dst)) return false;
  for (auto* image : {&src, &dst})
    *image = blocks_as_images(is_in_blocks(*image) ? *image : in_blocks(*image));
  return true;
}

Problem::Problem(const StepSpec& spec)
    : src(spec.input(0, "the tensor").desc),
      dst(spec.outputs.at(0)),
      algorithm(algorithm_from_name(spec.attributes.text("algorithm"))),
      divisor(spec.attributes.number("divisor", 0)),
      source(pointwise_operand(src, spec.attributes, "x").affine),
      target(pointwise_operand(dst, spec.attributes, "output").affine) {
  const bool blocks = unblock(src, dst);
  const size_t rank = src.shape.size();
  if (rank < 3 || rank > 4 || dst.shape.size() != rank)
    throw std::invalid_argument("pooling is over [N, C, L] or [N, C, H, W]");
  if (src.shape[0] != dst.shape[0] || src.shape[1] != dst.shape[1])
    throw std::invalid_argument("batch and channels of input and output differ");
  if (algorithm == Algorithm::max && (src.dtype != dst.dtype || !is_plain()))
    throw std::invalid_argument("max pooling keeps dtype and quantization parameters");
  if (!kernels::converts_through_float(src.dtype) || !kernels::converts_through_float(dst.dtype))
    throw std::invalid_argument(std::string("pooling does not compute in ") + dtype_name(src.dtype));
  const auto& a = spec.attributes;
  const size_t spatial = rank - 2;
  const Dims ones(spatial, 1), zeros(spatial, 0);
  const bool adaptive = algorithm == Algorithm::avg_adaptive;
  const Dims kernel = adaptive ? ones : a.dims("kernel"), stride = adaptive ? ones : a.dims("stride");
  const Dims padding = a.has("padding") ? a.dims("padding") : zeros;
  const Dims padding_end = a.has("paddingEnd") ? a.dims("paddingEnd") : padding;
  const Dims dilation = a.has("dilation") ? a.dims("dilation") : ones;
  for (const auto* list : {&kernel, &stride, &padding, &padding_end, &dilation})
    if (list->size() != spatial)
      throw std::invalid_argument("kernel, stride, padding and dilation need " + std::to_string(spatial) +
                                  " entries each");
  for (size_t i = 0; i < spatial; i++) {
    const Axis axis = {src.shape[2 + i], dst.shape[2 + i], kernel[i],  stride[i],
                       padding[i],       padding_end[i],   dilation[i]};
    axes.push_back(axis);
    if (axis.kernel < 1 || axis.stride < 1 || axis.dilation < 1 || axis.padding < 0)
      throw std::invalid_argument("kernel, stride and dilation must be positive, padding not negative");
    if (axis.in < 1 && dst.numel() > 0) throw std::invalid_argument("there is nothing to pool over");
    if (adaptive) continue;
    if (axis.padding * 2 > axis.kernel)
      throw std::invalid_argument("padding " + std::to_string(axis.padding) +
                                  " is more than half of kernel " + std::to_string(axis.kernel));
    const Window last = axis.window(axis.out - 1);
    if (axis.out > 0 && last.begin >= last.end)
      throw std::invalid_argument("the last of " + std::to_string(axis.out) +
                                  " windows lies outside the input's extent " + std::to_string(axis.in));
  }
  // Our own loops run along channels, of which blocks have few.
  if (adaptive && blocks) use_even_windows();
}

// Where all adaptive windows are alike, they are an ordinary average's.
void Problem::use_even_windows() {
  for (const auto& axis : axes)
    if (axis.out == 0 || axis.in % axis.out != 0) return;
  for (auto& axis : axes) axis.kernel = axis.stride = axis.in / axis.out;
  algorithm = Algorithm::avg_exclude_padding;
}

// oneDNN takes two to five times as long for the maximum of bytes, where they lie channels-last.
bool is_byte_maximum(const Problem& p) { return p.algorithm == Algorithm::max && is_byte(p.src.dtype); }
bool lies_channels_last(const Problem& p) { return p.src.strides[1] == 1 && p.dst.strides[1] == 1; }

// What oneDNN computes for this problem, when it does so fast.
std::optional<onednn::Primitive> try_onednn(const Problem& p) {
  if (p.dst.numel() == 0 || p.divisor != 0 || p.algorithm == Algorithm::avg_adaptive || !p.is_plain())
    return std::nullopt;
  onednn::PoolingProblem problem{p.src, p.dst, dnnl::algorithm::pooling_max, {}, {}, {}, {}, {}};
  bool padded = false;
  for (const auto& axis : p.axes) {
    const int64_t needed = (axis.out - 1) * axis.stride + axis.reach() - axis.in - axis.padding;
    // A window that ceil mode lets run past the padding is averaged over fewer positions than oneDNN counts.
    if (p.algorithm == Algorithm::avg_include_padding && needed > axis.padding_end) return std::nullopt;
    padded = padded || axis.padding > 0 || needed > 0;
    problem.kernel.push_back(axis.kernel);
    problem.stride.push_back(axis.stride);
    problem.dilation.push_back(axis.dilation);
    problem.padding.push_back(axis.padding);
    problem.padding_end.push_back(std::max<int64_t>(needed, 0));
  }
  if (p.algorithm == Algorithm::avg_include_padding) {
    // Padding is real zeros: in a quantized tensor that is the zero point, which oneDNN does not know.
    if (padded && p.source.zero_point != 0) return std::nullopt;
    problem.algorithm = dnnl::algorithm::pooling_avg_include_padding;
  } else if (p.algorithm == Algorithm::avg_exclude_padding) {
    problem.algorithm = dnnl::algorithm::pooling_avg_exclude_padding;
  }
  return onednn::make_pooling(problem);
}

class OneDnnPool : public Step {
 public:
  OneDnnPool(const StepSpec& spec, onednn::Primitive primitive)
      : x_(spec, 0, "the tensor"), primitive_(std::move(primitive)) {}

  void execute(const Buffers& buffers) override {
    primitive_.bind(DNNL_ARG_SRC, x_.data(buffers));
    primitive_.bind(DNNL_ARG_DST, buffers.outputs[0]);
    primitive_.execute(buffers.scratchpad);
  }
  std::string implementation() const override { return primitive_.implementation(); }
  size_t scratchpad_bytes() const override { return primitive_.scratchpad_bytes(); }

 private:
  InputValue x_;
  onednn::Primitive primitive_;
};

// [N, C, L] seen as [N, C, 1, L].
TensorDesc as_image(TensorDesc desc) {
  if (desc.shape.size() == 3) {
    desc.shape.insert(desc.shape.begin() + 2, 1);
    desc.strides.insert(desc.strides.begin() + 2, 0);
  }
  return desc;
}

TensorDesc channels_last(TensorDesc image) {
  const auto& s = image.shape;
  image.strides = {s[1] * s[2] * s[3], 1, s[3] * s[1], s[1]};
  return image;
}

// Vectors run along channels. Images that do not lie channels-last are brought there in the scratchpad.
class OwnPool : public Step {
 public:
  OwnPool(const StepSpec& spec, const Problem& problem)
      : x_(spec, 0, "the tensor"), p_(problem), src_(as_image(problem.src)), dst_(as_image(problem.dst)) {
    if (p_.axes.size() == 1) p_.axes.insert(p_.axes.begin(), Axis{1, 1, 1, 1, 0, 0, 1});
    if (src_.strides[1] != 1 && src_.shape[1] > 1) stage(src_, to_channels_last_, true);
    if (dst_.strides[1] != 1 && dst_.shape[1] > 1) stage(dst_, from_channels_last_, false);
  }

  void execute(const Buffers& buffers) override {
    const char* src = static_cast<const char*>(x_.data(buffers));
    char* dst = static_cast<char*>(buffers.outputs[0]);
    char* scratch = static_cast<char*>(buffers.scratchpad);
    if (to_channels_last_) {
      to_channels_last_->execute(src, scratch);
      src = scratch;
      scratch += aligned(src_.span_bytes());
    }
    char* pooled = from_channels_last_ ? scratch : dst;
    pool(src, pooled);
    if (from_channels_last_) from_channels_last_->execute(pooled, dst);
  }

  std::string implementation() const override {
    return to_channels_last_ || from_channels_last_ ? "octavo:pool+copy" : "octavo:pool";
  }
  size_t scratchpad_bytes() const override { return scratchpad_bytes_; }

 private:
  static constexpr int64_t kChannels = 256;  // a block of channels whose sums stay in the first-level cache

  static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

  void stage(TensorDesc& desc, std::optional<StridedConversion>& copy, bool into_scratch) {
    const TensorDesc staged = channels_last(desc);
    const auto move = kernels::RowConversion::move(desc.dtype);
    if (into_scratch)
      copy.emplace(desc, staged, move);
    else
      copy.emplace(staged, desc, move);
    desc = staged;
    scratchpad_bytes_ += aligned(staged.span_bytes());
  }

  void pool(const char* src, char* dst) const {
    const int64_t height = dst_.shape[2], width = dst_.shape[3], channels = dst_.shape[1];
    const int64_t blocks = (channels + kChannels - 1) / kChannels;
    const int64_t bytes = static_cast<int64_t>(src_.span_bytes() + dst_.span_bytes());
    kernels::parallel_for(dst_.shape[0] * height * blocks, bytes, [&](int64_t item) {
      const int64_t begin = item % blocks * kChannels;
      const int64_t row = item / blocks % height, image = item / blocks / height;
      const char* in = src + (image * src_.strides[0] + begin) * size(src_);
      char* out = dst + (image * dst_.strides[0] + row * dst_.strides[2] + begin) * size(dst_);
      const int64_t count = std::min(kChannels, channels - begin);
      if (is_byte_maximum(p_)) return byte_maxima(in, out, row, count);
      for (int64_t column = 0; column < width; column++)
        position(in, out + column * dst_.strides[3] * size(dst_), row, column, count);
    });
  }

  // A row of results, as many at a time as have windows alike.
  void byte_maxima(const char* src, char* dst, int64_t row, int64_t channels) const {
    const Axis& across = p_.axes[1];
    const Window y = p_.axes[0].window(row);
    for (int64_t column = 0; column < across.out;) {
      const Window x = across.window(column);
      int64_t next = column + 1;
      while (next < across.out && across.window(next).begin == x.begin + (next - column) * across.stride &&
             across.window(next).end == x.end + (next - column) * across.stride)
        next++;
      kernels::maximum_of_windows(
          {next - column, across.stride * src_.strides[3], dst_.strides[3], y.inside(),
           y.step * src_.strides[2], x.inside(), x.step * src_.strides[3]},
          src_.dtype == DType::s8, src + y.begin * src_.strides[2] + x.begin * src_.strides[3],
          dst + column * dst_.strides[3], channels);
      column = next;
    }
  }

  void position(const char* src, char* dst, int64_t row, int64_t column, int64_t channels) const {
    const bool adaptive = p_.algorithm == Algorithm::avg_adaptive;
    const Window y = adaptive ? p_.axes[0].adaptive_window(row) : p_.axes[0].window(row);
    const Window x = adaptive ? p_.axes[1].adaptive_window(column) : p_.axes[1].window(column);
    const auto at = [&](int64_t i, int64_t j) {
      return src + (i * src_.strides[2] + j * src_.strides[3]) * size(src_);
    };
    if (p_.algorithm == Algorithm::max) {
      std::memcpy(dst, at(y.begin, x.begin), static_cast<size_t>(channels * size(src_)));
      for (int64_t i = y.begin; i < y.end; i += y.step)
        for (int64_t j = x.begin; j < x.end; j += x.step)
          kernels::maximum_row(src_.dtype, at(i, j), dst, channels);
      return;
    }
    alignas(64) float sums[kChannels];
    std::fill(sums, sums + channels, 0.0f);
    int64_t inside = 0;
    for (int64_t i = y.begin; i < y.end; i += y.step)
      for (int64_t j = x.begin; j < x.end; j += x.step, inside++)
        kernels::accumulate_row(src_.dtype, at(i, j), sums, channels);
    const int64_t counted = p_.algorithm == Algorithm::avg_include_padding ? y.counted * x.counted : inside;
    const double divisor = p_.divisor != 0 ? p_.divisor : static_cast<double>(counted);
    const float factor = static_cast<float>(p_.source.scale / p_.target.scale / divisor);
    const bool stored_as_float = dst_.dtype == DType::f32 || dst_.dtype == DType::bf16;
    const float removed = static_cast<float>(inside * p_.source.zero_point);
    for (int64_t c = 0; c < channels; c++) sums[c] = (sums[c] - removed) * factor;
    kernels::store_row(dst_.dtype, sums, dst, channels, 1, static_cast<float>(p_.target.zero_point),
                       stored_as_float ? kernels::QuantRange{0, 0} : kernels::full_range(dst_.dtype));
  }

  static int64_t size(const TensorDesc& desc) { return static_cast<int64_t>(dtype_size(desc.dtype)); }

  InputValue x_;
  Problem p_;
  TensorDesc src_, dst_;
  std::optional<StridedConversion> to_channels_last_, from_channels_last_;
  size_t scratchpad_bytes_ = 0;
};
}  // namespace

std::unique_ptr<Step> create_pool(const StepSpec& spec) {
  const Problem problem(spec);
  if (is_byte_maximum(problem) && lies_channels_last(problem))
    return std::make_unique<OwnPool>(spec, problem);
  if (auto primitive = try_onednn(problem)) return std::make_unique<OneDnnPool>(spec, std::move(*primitive));
  return std::make_unique<OwnPool>(spec, problem);
}

}  // namespace octavo
