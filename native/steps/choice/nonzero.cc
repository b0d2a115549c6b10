// Where a tensor is not zero: the indices of each such element, in row-major order, and their number. NaN is
// not zero, -0 is.
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "steps/choice/counted_output.h"

namespace octavo {

namespace {
template <typename T>
struct IsNonzero {
  bool operator()(T value) const { return value != 0; }
};

// 16-bit floats, of either kind: all bits but the sign.
struct HasMagnitude {
  bool operator()(uint16_t bits) const { return (bits & 0x7fff) != 0; }
};

template <typename T, typename Test = IsNonzero<T>>
class Nonzero : public Step {
 public:
  explicit Nonzero(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        rank_(static_cast<int64_t>(x_.desc().shape.size())),
        output_(spec, {x_.desc().numel(), rank_}) {
    if (!x_.desc().is_contiguous()) throw std::invalid_argument("the tensor must be row-major");
  }

  void execute(const Buffers& buffers) override {
    const auto* x = static_cast<const T*>(x_.data(buffers));
    int64_t* out = output_.rows(buffers);
    const Dims& shape = x_.desc().shape;
    const int64_t length = rank_ == 0 ? 1 : shape.back();
    const int64_t rows = length == 0 ? 0 : x_.desc().numel() / length;
    int64_t count = 0;
    Dims index(shape.size(), 0);
    for (int64_t row = 0; row < rows; row++) {
      for (int64_t i = 0; i < length; i++) {
        if (!Test{}(x[row * length + i])) continue;
        count++;
        for (int64_t axis = 0; axis + 1 < rank_; axis++) *out++ = index[static_cast<size_t>(axis)];
        if (rank_ > 0) *out++ = i;
      }
      advance(index);
    }
    output_.set_count(buffers, count);
  }
  std::string implementation() const override { return "octavo:nonzero"; }

 private:
  // To the next row.
  void advance(Dims& index) const {
    for (int64_t axis = rank_ - 2; axis >= 0; axis--) {
      const auto at = static_cast<size_t>(axis);
      if (++index[at] < x_.desc().shape[at]) return;
      index[at] = 0;
    }
  }

  InputValue x_;
  int64_t rank_;
  CountedOutput output_;
};
}  // namespace

std::unique_ptr<Step> create_nonzero(const StepSpec& spec) {
  switch (spec.input(0, "the tensor").desc.dtype) {
    case DType::f32:
      return std::make_unique<Nonzero<float>>(spec);
    case DType::f64:
      return std::make_unique<Nonzero<double>>(spec);
    case DType::f16:
    case DType::bf16:
      return std::make_unique<Nonzero<uint16_t, HasMagnitude>>(spec);
    case DType::u16:
    case DType::s16:
      return std::make_unique<Nonzero<uint16_t>>(spec);
    case DType::s32:
      return std::make_unique<Nonzero<uint32_t>>(spec);
    case DType::s64:
      return std::make_unique<Nonzero<uint64_t>>(spec);
    default:
      return std::make_unique<Nonzero<uint8_t>>(spec);
  }
}

}  // namespace octavo
