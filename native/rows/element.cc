#include "rows/element.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "kernels/half_float.h"
#include "kernels/transpose.h"

namespace octavo {

namespace {
template <typename T>
void put(T value, char* bytes) {
  std::memcpy(bytes, &value, sizeof value);
}

template <typename T>
void put_integer(DType dtype, double value, char* bytes) {
  // The largest int64 is no double: 2^63 itself is out of range.
  const double end = std::ldexp(1.0, std::numeric_limits<T>::digits);
  if (!(value >= static_cast<double>(std::numeric_limits<T>::min()) && value < end) ||
      value != std::floor(value))
    throw std::invalid_argument(std::string(dtype_name(dtype)) + " has no value " + std::to_string(value));
  put(static_cast<T>(value), bytes);
}

void write(DType dtype, double value, char* bytes) {
  switch (dtype) {
    case DType::f32:
      return put(static_cast<float>(value), bytes);
    case DType::f64:
      return put(value, bytes);
    case DType::f16:
      return put(kernels::to_f16(static_cast<float>(value)), bytes);
    case DType::bf16:
      return put(kernels::to_bf16(static_cast<float>(value)), bytes);
    case DType::u8:
      return put_integer<uint8_t>(dtype, value, bytes);
    case DType::s8:
      return put_integer<int8_t>(dtype, value, bytes);
    case DType::u16:
      return put_integer<uint16_t>(dtype, value, bytes);
    case DType::s16:
      return put_integer<int16_t>(dtype, value, bytes);
    case DType::s32:
      return put_integer<int32_t>(dtype, value, bytes);
    case DType::s64:
      return put_integer<int64_t>(dtype, value, bytes);
    case DType::boolean:
      return put(static_cast<uint8_t>(value != 0), bytes);
  }
}
}  // namespace

Element::Element(DType dtype, double value) { write(dtype, value, bytes_); }

void copy_elements(size_t element_bytes, const char* src, int64_t src_step, char* dst, int64_t dst_step,
                   int64_t n) {
  const auto size = static_cast<int64_t>(element_bytes);
  if (src_step == 1 && dst_step == 1)
    std::memcpy(dst, src, static_cast<size_t>(n) * element_bytes);
  else
    kernels::gather(size, src, src_step * size, dst, dst_step * size, n);
}

void fill_elements(size_t element_bytes, const char* element, char* dst, int64_t dst_step, int64_t n) {
  const auto size = static_cast<int64_t>(element_bytes);
  kernels::gather(size, element, 0, dst, dst_step * size, n);
}

}  // namespace octavo
