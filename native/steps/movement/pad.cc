// Constant padding: negative amounts cut away.
#include <algorithm>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "rows/element.h"
#include "rows/strided.h"

namespace octavo {

namespace {
class Pad : public Step {
 public:
  explicit Pad(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        value_(x_.desc().dtype, spec.attributes.number("value", 0)),
        fill_(background(spec)),
        move_(overlap(spec)) {}

  void execute(const Buffers& buffers) override {
    fill_.execute(value_.bytes(), buffers.outputs[0]);
    move_.execute(static_cast<const char*>(x_.data(buffers)) + src_offset_,
                  static_cast<char*>(buffers.outputs[0]) + dst_offset_);
  }
  std::string implementation() const override { return "octavo:pad"; }

 private:
  static StridedConversion background(const StepSpec& spec) {
    const auto& y = spec.outputs.at(0);
    return StridedConversion({y.dtype, y.shape, Dims(y.shape.size(), 0)}, y,
                             kernels::RowConversion::move(y.dtype));
  }

  // The part of the input that shows in the output.
  StridedConversion overlap(const StepSpec& spec) {
    TensorDesc src = spec.input(0, "the tensor").desc, dst = spec.outputs.at(0);
    const Dims before = spec.attributes.dims("padding");
    if (src.dtype != dst.dtype || before.size() != src.shape.size() || dst.shape.size() != src.shape.size())
      throw std::invalid_argument("padding needs one amount per extent, and the input's dtype");
    const auto size = static_cast<int64_t>(dtype_size(src.dtype));
    for (size_t i = 0; i < before.size(); i++) {
      const int64_t cut = std::max<int64_t>(-before[i], 0), begin = std::max<int64_t>(before[i], 0);
      const int64_t length = std::max<int64_t>(std::min(src.shape[i] - cut, dst.shape[i] - begin), 0);
      src_offset_ += cut * src.strides[i] * size;
      dst_offset_ += begin * dst.strides[i] * size;
      src.shape[i] = dst.shape[i] = length;
    }
    return StridedConversion(src, dst, kernels::RowConversion::move(src.dtype));
  }

  InputValue x_;
  Element value_;
  int64_t src_offset_ = 0, dst_offset_ = 0;
  StridedConversion fill_, move_;
};
}  // namespace

std::unique_ptr<Step> create_pad(const StepSpec& spec) { return std::make_unique<Pad>(spec); }

}  // namespace octavo
