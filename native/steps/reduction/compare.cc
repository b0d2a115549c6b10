// By how much two tensors differ, sample by sample: six numbers in one pass. Either may be quantized, and
// each may have its own layout.
#include <algorithm>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/scratch.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "observe/differences.h"
#include "rows/pointwise.h"
#include "rows/typed_run.h"

namespace octavo {

namespace {
constexpr int64_t kNumbers = 6;
constexpr int64_t kBlock = 16 * 1024;  // elements of a sample that a thread compares at a time

// Reads runs of one operand as the numbers that they stand for.
class Numbers {
 public:
  explicit Numbers(const PointwiseOperand& operand)
      : to_float_(
            operand.desc.dtype == DType::f32
                ? kernels::RowConversion::move(DType::f32)
                : kernels::RowConversion::affine(operand.desc.dtype, operand.affine, DType::f32, {}, {0, 0})),
        bytes_(static_cast<int64_t>(dtype_size(operand.desc.dtype))) {}

  // At most kTypedRun elements, `step` apart from `offset` on: where they are if they can be used there.
  const float* read(const char* data, int64_t offset, int64_t step, int64_t n, float* buffer) const {
    const char* src = data + offset * bytes_;
    const bool is_float = to_float_.from() == DType::f32;
    if (step == 1 && is_float) return reinterpret_cast<const float*>(src);
    alignas(64) char gathered[kTypedRunBytes];
    if (step != 1) {
      kernels::gather(bytes_, src, step * bytes_, gathered, bytes_, n);
      src = gathered;
    }
    to_float_(src, buffer, n);
    return buffer;
  }

 private:
  kernels::RowConversion to_float_;
  int64_t bytes_;
};

// The strides within a sample; those of a tensor without extents are its own.
Dims inner(const Dims& all) { return all.empty() ? all : Dims(all.begin() + 1, all.end()); }

class Compare : public Step {
 public:
  explicit Compare(const StepSpec& spec)
      : x_(spec, 0, "a tensor"),
        y_(spec, 1, "the other tensor"),
        x_numbers_(operand(x_.desc(), spec.attributes, "x")),
        y_numbers_(operand(y_.desc(), spec.attributes, "y")),
        nest_(inner(x_.desc().shape), {inner(x_.desc().strides), inner(y_.desc().strides)}) {
    const TensorDesc &x = x_.desc(), &y = y_.desc();
    if (x.shape != y.shape)
      throw std::invalid_argument("tensors of one shape expected, got " + x.to_string() + " and " +
                                  y.to_string());
    Dims expected = {kNumbers};
    if (!x.shape.empty()) {
      samples_ = x.shape[0];
      x_step_ = x.strides[0];
      y_step_ = y.strides[0];
      expected.insert(expected.begin(), samples_);
    }
    const TensorDesc& numbers = spec.outputs.at(0);
    if (numbers.dtype != DType::f64 || numbers.shape != expected || !numbers.is_contiguous())
      throw std::invalid_argument("the output must be " + TensorDesc{DType::f64, expected, {}}.to_string());
    row_ = nest_.extents.back();
    for (size_t i = 0; i + 1 < nest_.extents.size(); i++) rows_ *= nest_.extents[i];
    pieces_ = (row_ + kTypedRun - 1) / kTypedRun;
    const int64_t piece = std::max<int64_t>(1, std::min(row_, kTypedRun));
    at_once_ = std::max<int64_t>(1, kBlock / piece);
    blocks_ = (rows_ * pieces_ + at_once_ - 1) / at_once_;
    parts_ = scratch_.reserve(static_cast<size_t>(samples_ * blocks_) * sizeof(observe::Differences));
  }

  void execute(const Buffers& buffers) override {
    const auto* x = static_cast<const char*>(x_.data(buffers));
    const auto* y = static_cast<const char*>(y_.data(buffers));
    auto* parts = static_cast<observe::Differences*>(ScratchLayout::at(buffers.scratchpad, parts_));
    const auto bytes = static_cast<int64_t>(x_.desc().span_bytes() + y_.desc().span_bytes());
    kernels::parallel_for(samples_ * blocks_, bytes,
                          [&](int64_t item) { parts[item] = block(x, y, item / blocks_, item % blocks_); });
    // In this order whatever the number of threads.
    auto* numbers = static_cast<double*>(buffers.outputs[0]);
    for (int64_t sample = 0; sample < samples_; sample++) {
      observe::Differences all;
      for (int64_t i = 0; i < blocks_; i++) all.add(parts[sample * blocks_ + i]);
      for (const double number : {all.count, all.signal, all.other, all.product, all.noise, all.max_error})
        *numbers++ = number;
    }
  }
  std::string implementation() const override { return "octavo:compare"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  static PointwiseOperand operand(const TensorDesc& desc, const Attributes& attributes, const char* name) {
    if (!kernels::converts_through_float(desc.dtype))
      throw std::invalid_argument(std::string("comparing ") + dtype_name(desc.dtype) +
                                  " is not supported; cast to float32");
    return pointwise_operand(desc, attributes, name);
  }

  observe::Differences block(const char* x, const char* y, int64_t sample, int64_t index) const {
    alignas(64) float x_buffer[kTypedRun], y_buffer[kTypedRun];
    const size_t outer = nest_.extents.size() - 1;
    const int64_t x_step = nest_.strides[0].back(), y_step = nest_.strides[1].back();
    observe::Differences all;
    const int64_t end = std::min((index + 1) * at_once_, rows_ * pieces_);
    for (int64_t i = index * at_once_; i < end; i++) {
      const int64_t row = i / pieces_, first = i % pieces_ * kTypedRun, n = std::min(kTypedRun, row_ - first);
      const int64_t x_at = sample * x_step_ + nest_.offset(0, row, outer) + first * x_step;
      const int64_t y_at = sample * y_step_ + nest_.offset(1, row, outer) + first * y_step;
      all.add(observe::differences(x_numbers_.read(x, x_at, x_step, n, x_buffer),
                                   y_numbers_.read(y, y_at, y_step, n, y_buffer), static_cast<size_t>(n)));
    }
    return all;
  }

  InputValue x_, y_;
  Numbers x_numbers_, y_numbers_;
  LoopNest nest_;  // over the elements of a sample
  int64_t samples_ = 1, x_step_ = 0, y_step_ = 0;
  int64_t rows_ = 1, row_, pieces_, at_once_,
          blocks_;  // a sample is rows, in pieces, compared in blocks of these
  ScratchLayout scratch_;
  size_t parts_;
};
}  // namespace

std::unique_ptr<Step> create_compare(const StepSpec& spec) { return std::make_unique<Compare>(spec); }

}  // namespace octavo
