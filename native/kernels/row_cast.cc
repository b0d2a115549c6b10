// Casts between any two element types.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/elements/stored_bool.h"
#include "kernels/float_rows.h"
#include "kernels/row_conversion.h"

namespace octavo::kernels {

namespace {
constexpr int64_t kChunk = 512;  // floats of intermediate results, which fit the first-level cache

bool is_half(DType dtype) { return dtype == DType::bf16 || dtype == DType::f16; }

// Calls body with a value of the C++ type that stores `dtype`; 16-bit floats are excluded.
template <typename Body>
void with_type(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::f32:
      return body(float{});
    case DType::f64:
      return body(double{});
    case DType::u8:
      return body(uint8_t{});
    case DType::s8:
      return body(int8_t{});
    case DType::u16:
      return body(uint16_t{});
    case DType::s16:
      return body(int16_t{});
    case DType::s32:
      return body(int32_t{});
    case DType::s64:
      return body(int64_t{});
    case DType::boolean:
      return body(StoredBool{});
    default:
      throw std::invalid_argument(std::string("cannot cast ") + dtype_name(dtype));
  }
}

template <typename From, typename To>
void cast_row(const From* in, To* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = static_cast<To>(in[i]);
}
}  // namespace

RowConversion RowConversion::cast(DType from, DType to) {
  if (from == to) return move(from);
  const bool via_float = (is_half(from) || from == DType::f32) && (is_half(to) || to == DType::f32);
  if (via_float) return RowConversion(&through_float, from, to);
  RowConversion conversion(nullptr, from, to);
  // Other types meet 16-bit floats through float32, as in PyTorch.
  with_type(is_half(from) ? DType::f32 : from, [&](auto source) {
    with_type(is_half(to) ? DType::f32 : to, [&](auto target) {
      using From = decltype(source);
      using To = decltype(target);
      conversion.kernel_ = [](const RowConversion& self, const void* src, void* dst, int64_t n) {
        const auto* in = static_cast<const char*>(src);
        auto* out = static_cast<char*>(dst);
        if (!is_half(self.from_) && !is_half(self.to_))
          return cast_row(static_cast<const From*>(src), static_cast<To*>(dst), n);
        alignas(64) float chunk[kChunk];
        for (int64_t begin = 0; begin < n; begin += kChunk) {
          const int64_t count = std::min(kChunk, n - begin);
          const char* from = in + begin * static_cast<int64_t>(dtype_size(self.from_));
          char* to = out + begin * static_cast<int64_t>(dtype_size(self.to_));
          if (is_half(self.from_)) {
            load_row(self.from_, from, chunk, count, 1, 0);
            cast_row(chunk, reinterpret_cast<To*>(to), count);
          } else {
            cast_row(reinterpret_cast<const From*>(from), chunk, count);
            store_row(self.to_, chunk, to, count, 1, 0, {0, 0});
          }
        }
      };
    });
  });
  return conversion;
}

}  // namespace octavo::kernels
