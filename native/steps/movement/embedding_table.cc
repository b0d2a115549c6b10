#include "steps/movement/embedding_table.h"

#include <stdexcept>
#include <string>

namespace octavo {

namespace {
constexpr int64_t kCacheLine = 64;

kernels::TableElements elements_of(int64_t bits) {
  if (bits == 32) return kernels::TableElements::f32;
  if (bits == 8) return kernels::TableElements::u8;
  if (bits == 4) return kernels::TableElements::u4;
  throw std::invalid_argument("attribute 'bits' must be 32, 8 or 4, got " + std::to_string(bits));
}

int64_t width_of(const StepSpec& spec) {
  const Dims& result = spec.outputs.at(0).shape;
  if (result.empty()) throw std::invalid_argument("the output must have rows, got a scalar");
  return result.back();
}
}  // namespace

EmbeddingTable::EmbeddingTable(const StepSpec& spec)
    : table_(spec, 0, "the table"),
      elements_(elements_of(spec.attributes.integer("bits", 32))),
      width_(width_of(spec)),
      row_bytes_(kernels::table_row_bytes(elements_, width_)) {
  const auto& table = table_.desc();
  const DType dtype = elements_ == kernels::TableElements::f32 ? DType::f32 : DType::u8;
  const int64_t columns = row_bytes_ / static_cast<int64_t>(dtype_size(dtype));
  if (table.shape.size() != 2 || !table.is_contiguous() || table.dtype != dtype || table.shape[1] != columns)
    throw std::invalid_argument("the table must be a row-major matrix of " + std::to_string(columns) +
                                " columns of " + dtype_name(dtype) + ", got " + table.to_string());
}

void EmbeddingTable::prefetch(const Buffers& buffers, int64_t row) const {
  const char* begin = begin_of(buffers, row);
  for (int64_t at = 0; at < row_bytes_; at += kCacheLine) __builtin_prefetch(begin + at);
}

}  // namespace octavo
