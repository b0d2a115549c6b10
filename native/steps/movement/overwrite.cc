// A tensor with a part of it, at regular distances along each axis, replaced by another tensor.
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "rows/pointwise.h"
#include "rows/strided.h"

namespace octavo {

namespace {
// Attributes: begin, step and count of the part, along each axis; inserted, an axis that the part lacks.
class Overwrite : public Step {
 public:
  explicit Overwrite(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        part_(spec, 1, "the part"),
        whole_(x_.desc(), spec.outputs.at(0),
               kernels::RowConversion::cast(x_.desc().dtype, spec.outputs[0].dtype)),
        over_(part(spec)) {
    if (spec.outputs[0].dtype != x_.desc().dtype || spec.outputs[0].dtype != part_.desc().dtype)
      throw std::invalid_argument("the tensor, the part and the output must have one dtype");
  }

  void execute(const Buffers& buffers) override {
    whole_.execute(x_.data(buffers), buffers.outputs[0]);
    over_.execute(part_.data(buffers), static_cast<char*>(buffers.outputs[0]) + offset_);
  }
  std::string implementation() const override { return "octavo:overwrite"; }

 private:
  StridedConversion part(const StepSpec& spec) {
    const auto& y = spec.outputs[0];
    TensorDesc source = part_.desc(), place = y;
    const Dims begin = spec.attributes.dims("begin"), step = spec.attributes.dims("step");
    place.shape = spec.attributes.dims("count");
    if (begin.size() != y.shape.size() || step.size() != y.shape.size() ||
        place.shape.size() != y.shape.size())
      throw std::invalid_argument("begin, step and count need one entry for each extent of " + y.to_string());
    for (size_t i = 0; i < y.shape.size(); i++) {
      const int64_t last = begin[i] + (place.shape[i] - 1) * step[i];
      if (place.shape[i] < 0 || (place.shape[i] > 0 && (begin[i] < 0 || step[i] < 1 || last >= y.shape[i])))
        throw std::invalid_argument("positions " + std::to_string(begin[i]) + " to " + std::to_string(last) +
                                    " are not in an extent of " + std::to_string(y.shape[i]));
      if (place.shape[i] > 0) offset_ += begin[i] * y.strides[i] * static_cast<int64_t>(dtype_size(y.dtype));
      place.strides[i] = y.strides[i] * step[i];
    }
    if (spec.attributes.has("inserted")) {
      const int64_t axis = spec.attributes.integer("inserted");
      if (axis < 0 || axis > static_cast<int64_t>(source.shape.size()))
        throw std::invalid_argument("axis " + std::to_string(axis) + " is out of range");
      source.shape.insert(source.shape.begin() + axis, 1);
      source.strides.insert(source.strides.begin() + axis, 0);
    }
    source.strides = broadcast_strides(source, place.shape);
    source.shape = place.shape;
    return StridedConversion(source, place, kernels::RowConversion::cast(source.dtype, y.dtype));
  }

  InputValue x_, part_;
  int64_t offset_ = 0;  // of the part, in bytes
  StridedConversion whole_, over_;
};
}  // namespace

std::unique_ptr<Step> create_overwrite(const StepSpec& spec) { return std::make_unique<Overwrite>(spec); }

}  // namespace octavo
