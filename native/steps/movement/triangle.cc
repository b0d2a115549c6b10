// The lower or the upper triangle of matrices; the rest is 0.
#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "rows/element.h"

namespace octavo {

namespace {
// Attributes: diagonal, the last one that belongs to a lower triangle, or the first of an upper one, counted
// from the main diagonal to the right; upper.
class Triangle : public Step {
 public:
  explicit Triangle(const StepSpec& spec)
      : x_(spec, 0, "the matrices"),
        diagonal_(spec.attributes.integer("diagonal")),
        upper_(spec.attributes.boolean("upper")) {
    const auto& y = spec.outputs.at(0);
    const auto& x = x_.desc();
    if (x.shape.size() < 2 || y.shape != x.shape || y.dtype != x.dtype || !y.is_contiguous())
      throw std::invalid_argument("the output must be row-major matrices like " + x.to_string());
  }

  void execute(const Buffers& buffers) override {
    const auto& x = x_.desc();
    const size_t size = dtype_size(x.dtype), rank = x.shape.size();
    const int64_t rows = x.shape[rank - 2], columns = x.shape[rank - 1];
    if (x.numel() == 0) return;
    const auto step = static_cast<int64_t>(size);
    const char* src = static_cast<const char*>(x_.data(buffers));
    char* dst = static_cast<char*>(buffers.outputs[0]);
    kernels::parallel_for(x.numel() / columns, 2 * x.numel() * step, [&](int64_t index) {
      const int64_t edge = std::clamp<int64_t>(index % rows + diagonal_ + (upper_ ? 0 : 1), 0, columns);
      const int64_t begin = upper_ ? edge : 0, end = upper_ ? columns : edge;
      char* out = dst + index * columns * step;
      std::memset(out, 0, static_cast<size_t>(begin) * size);
      std::memset(out + end * step, 0, static_cast<size_t>(columns - end) * size);
      if (begin < end)
        copy_elements(size, src + (row_offset(index) + begin * x.strides[rank - 1]) * step,
                      x.strides[rank - 1], out + begin * step, 1, end - begin);
    });
  }
  std::string implementation() const override { return "octavo:triangle"; }

 private:
  int64_t row_offset(int64_t index) const {
    const auto& x = x_.desc();
    int64_t offset = 0;
    for (size_t i = x.shape.size() - 1; i-- > 0; index /= x.shape[i])
      offset += index % x.shape[i] * x.strides[i];
    return offset;
  }

  InputValue x_;
  int64_t diagonal_;
  bool upper_;
};
}  // namespace

std::unique_ptr<Step> create_triangle(const StepSpec& spec) { return std::make_unique<Triangle>(spec); }

}  // namespace octavo
