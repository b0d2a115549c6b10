// Elements chosen by a table for each axis: flips, rolls, repetitions, padding with other elements, and the
// nearest element of an image of another size.
#include <algorithm>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "rows/element.h"

namespace octavo {

namespace {
// A loop over an axis of the output. Position i reads the source at i * src_step, or where the table says.
struct Loop {
  int64_t extent, dst_step, src_step;  // elements
  Dims table;                          // offsets in the source; kNothing: the attribute `value` instead
};

constexpr int64_t kNothing = -1;
constexpr int64_t kBlock = 8 * 1024;  // elements that a thread copies at a time

template <typename T>
void choose(const Loop& row, const char* src, char* dst, const char* value) {
  const T* in = reinterpret_cast<const T*>(src);
  T* out = reinterpret_cast<T*>(dst);
  const T otherwise = *reinterpret_cast<const T*>(value);
  for (int64_t i = 0; i < row.extent; i++)
    out[i * row.dst_step] = row.table[i] == kNothing ? otherwise : in[row.table[i]];
}

class Pick : public Step {
 public:
  explicit Pick(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        size_(dtype_size(x_.desc().dtype)),
        value_(x_.desc().dtype, spec.attributes.number("value", 0)) {
    const auto& y = spec.outputs.at(0);
    const auto& x = x_.desc();
    if (y.dtype != x.dtype || y.shape.size() < x.shape.size())
      throw std::invalid_argument("the output must have the dtype of " + x.to_string() +
                                  ", and as many extents or more");
    const size_t added = y.shape.size() - x.shape.size();
    numel_ = y.numel();
    for (size_t i = 0; i < y.shape.size(); i++) {
      const bool exists = i >= added;
      loops_.push_back({y.shape[i], y.strides[i], exists ? x.strides[i - added] : 0, {}});
      read_table(spec, i, exists ? x.shape[i - added] : 1, loops_.back());
    }
    std::stable_sort(loops_.begin(), loops_.end(),
                     [](const Loop& a, const Loop& b) { return a.dst_step > b.dst_step; });
    merge();
    for (size_t i = 0; i + 1 < loops_.size(); i++) rows_ *= loops_[i].extent;
  }

  void execute(const Buffers& buffers) override {
    if (numel_ == 0) return;
    const char* src = static_cast<const char*>(x_.data(buffers));
    char* dst = static_cast<char*>(buffers.outputs[0]);
    const int64_t rows = std::clamp<int64_t>(kBlock / loops_.back().extent, 1, rows_);
    const int64_t bytes = 2 * numel_ * static_cast<int64_t>(size_);
    kernels::parallel_for((rows_ + rows - 1) / rows, bytes, [&](int64_t block) {
      const int64_t end = std::min((block + 1) * rows, rows_);
      for (int64_t row = block * rows; row < end; row++) copy_row(row, src, dst);
    });
  }
  std::string implementation() const override { return "octavo:pick"; }

 private:
  // The attribute table<axis>: for each position of the output, one of the source or -1.
  static void read_table(const StepSpec& spec, size_t axis, int64_t extent, Loop& loop) {
    const std::string name = "table" + std::to_string(axis);
    if (!spec.attributes.has(name)) {
      if (loop.extent != extent)
        throw std::invalid_argument("axis " + std::to_string(axis) +
                                    " needs a table: its extent changes from " + std::to_string(extent) +
                                    " to " + std::to_string(loop.extent));
      return;
    }
    loop.table = spec.attributes.dims(name);
    if (static_cast<int64_t>(loop.table.size()) != loop.extent)
      throw std::invalid_argument("attribute '" + name + "' needs " + std::to_string(loop.extent) +
                                  " positions, has " + std::to_string(loop.table.size()));
    for (auto& position : loop.table) {
      if (position < kNothing || position >= extent)
        throw std::invalid_argument("attribute '" + name + "': position " + std::to_string(position) +
                                    " is out of range for an extent of " + std::to_string(extent));
      if (position != kNothing) position *= loop.src_step;
    }
  }

  // Drops loops of one position, and makes one of neighbours without tables that are dense together.
  void merge() {
    std::vector<Loop> merged;
    for (auto& loop : loops_) {
      if (loop.extent == 1 && loop.table.empty()) continue;
      if (!merged.empty() && loop.table.empty() && merged.back().table.empty() &&
          merged.back().dst_step == loop.dst_step * loop.extent &&
          merged.back().src_step == loop.src_step * loop.extent)
        merged.back() = {merged.back().extent * loop.extent, loop.dst_step, loop.src_step, {}};
      else
        merged.push_back(std::move(loop));
    }
    if (merged.empty()) merged.push_back({1, 1, 1, {}});
    loops_ = std::move(merged);
  }

  void copy_row(int64_t index, const char* src, char* dst) const {
    const Loop& row = loops_.back();
    const auto size = static_cast<int64_t>(size_);
    bool exists = true;
    for (size_t i = loops_.size() - 1; i-- > 0;) {
      const Loop& loop = loops_[i];
      const int64_t at = index % loop.extent;
      index /= loop.extent;
      dst += at * loop.dst_step * size;
      const int64_t from = loop.table.empty() ? at * loop.src_step : loop.table[at];
      if (from == kNothing && !loop.table.empty())
        exists = false;
      else
        src += from * size;
    }
    if (!exists) return fill_elements(size_, value_.bytes(), dst, row.dst_step, row.extent);
    if (row.table.empty()) return copy_elements(size_, src, row.src_step, dst, row.dst_step, row.extent);
    switch (size_) {
      case 1:
        return choose<uint8_t>(row, src, dst, value_.bytes());
      case 2:
        return choose<uint16_t>(row, src, dst, value_.bytes());
      case 4:
        return choose<uint32_t>(row, src, dst, value_.bytes());
      default:
        return choose<uint64_t>(row, src, dst, value_.bytes());
    }
  }

  InputValue x_;
  size_t size_;
  Element value_;
  std::vector<Loop> loops_;
  int64_t numel_, rows_ = 1;
};
}  // namespace

std::unique_ptr<Step> create_pick(const StepSpec& spec) { return std::make_unique<Pick>(spec); }

}  // namespace octavo
