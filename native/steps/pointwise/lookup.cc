// Any function of one 8-bit integer, as a table of its 256 values.
#include "kernels/lookup.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "rows/strided.h"

namespace octavo {

namespace {
using kernels::RowConversion;

// A byte's value under its dtype.
int64_t value_of(uint8_t byte, DType dtype) { return dtype == DType::s8 ? static_cast<int8_t>(byte) : byte; }

// The range that the table keeps values in, if it does nothing else, as those of reduced ranges do.
std::optional<kernels::QuantRange> clamped_range(const uint8_t* table, DType dtype) {
  kernels::QuantRange range{value_of(table[0], dtype), value_of(table[0], dtype)};
  for (int i = 1; i < 256; i++) {
    range.min = std::min(range.min, value_of(table[i], dtype));
    range.max = std::max(range.max, value_of(table[i], dtype));
  }
  for (int i = 0; i < 256; i++) {
    const int64_t value = value_of(static_cast<uint8_t>(i), dtype);
    if (value_of(table[i], dtype) != std::clamp(value, range.min, range.max)) return std::nullopt;
  }
  return range;
}

class Lookup : public Step {
 public:
  explicit Lookup(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        table_(spec, 1, "the table"),
        conversion_(x_.desc(), spec.outputs.at(0), conversion(nullptr)) {
    const auto& table = table_.desc();
    if (table.shape != Dims{256} || table.strides != Dims{1} || table.dtype != spec.outputs[0].dtype)
      throw std::invalid_argument("the table must hold 256 contiguous values of the output's dtype, got " +
                                  table.to_string());
    if (table_.is_constant() && x_.desc().dtype == table.dtype)
      range_ = clamped_range(static_cast<const uint8_t*>(table_.data({})), table.dtype);
  }

  void execute(const Buffers& buffers) override {
    conversion_.execute(x_.data(buffers), buffers.outputs[0],
                        conversion(static_cast<const uint8_t*>(table_.data(buffers))));
  }
  std::string implementation() const override {
    return range_ ? "octavo:clamp" : kernels::lookup_implementation();
  }

 private:
  RowConversion conversion(const uint8_t* table) const {
    if (range_) return RowConversion::clamp(x_.desc().dtype, *range_);
    return RowConversion::lookup(x_.desc().dtype, table_.desc().dtype, table);
  }

  InputValue x_, table_;
  std::optional<kernels::QuantRange> range_;  // of a table that only clamps
  StridedConversion conversion_;
};
}  // namespace

std::unique_ptr<Step> create_lookup(const StepSpec& spec) { return std::make_unique<Lookup>(spec); }

}  // namespace octavo
