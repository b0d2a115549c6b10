// Elements of a tensor that index tensors choose.
#include <cstring>
#include <stdexcept>

#include "contract/table.h"
#include "rows/element.h"
#include "steps/movement/indexed_walk.h"

namespace octavo {

namespace {
template <typename T>
void choose(const IndexedWalk::Row& row, const char* src, char* dst) {
  const T* in = reinterpret_cast<const T*>(src) + row.indexed;
  T* out = reinterpret_cast<T*>(dst) + row.walked;
  for (int64_t i = 0; i < row.length; i++)
    out[i * row.walked_step] = in[i * row.indexed_step + row.offsets[i * row.offset_step]];
}

class Index : public Step {
 public:
  explicit Index(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        output_(spec.outputs.at(0)),
        walk_(spec, output_.shape, output_.strides, x_.desc(), 1, scratch_) {
    if (output_.dtype != x_.desc().dtype)
      throw std::invalid_argument("the output must have the dtype of " + x_.desc().to_string());
  }

  void execute(const Buffers& buffers) override {
    const char* src = static_cast<const char*>(x_.data(buffers));
    char* dst = static_cast<char*>(buffers.outputs[0]);
    const size_t size = dtype_size(output_.dtype);
    const auto bytes = 2 * output_.numel() * static_cast<int64_t>(size);
    walk_.each_row(walk_.offsets(buffers), bytes, [&](const IndexedWalk::Row& row) {
      if (row.offset_step == 0 || row.length == 1) {
        const auto step = static_cast<int64_t>(size);
        return copy_elements(size, src + (row.indexed + row.offsets[0]) * step, row.indexed_step,
                             dst + row.walked * step, row.walked_step, row.length);
      }
      switch (size) {
        case 1:
          return choose<uint8_t>(row, src, dst);
        case 2:
          return choose<uint16_t>(row, src, dst);
        case 4:
          return choose<uint32_t>(row, src, dst);
        default:
          return choose<uint64_t>(row, src, dst);
      }
    });
  }
  std::string implementation() const override { return "octavo:index"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  ScratchLayout scratch_;
  InputValue x_;
  TensorDesc output_;
  IndexedWalk walk_;
};
}  // namespace

std::unique_ptr<Step> create_index(const StepSpec& spec) { return std::make_unique<Index>(spec); }

}  // namespace octavo
