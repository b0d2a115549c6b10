#include "kernels/elements/select.h"

#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
template <typename T>
OCTAVO_INLINE void select(const uint8_t* condition, const T* a, const T* b, T* out, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) out[i] = condition[i] != 0 ? a[i] : b[i];
}

// Plain functions, which multiversioning needs.
OCTAVO_MULTIVERSION void select_1(const uint8_t* condition, const uint8_t* a, const uint8_t* b, uint8_t* out,
                                  int64_t n) {
  select(condition, a, b, out, n);
}
OCTAVO_MULTIVERSION void select_2(const uint8_t* condition, const uint16_t* a, const uint16_t* b,
                                  uint16_t* out, int64_t n) {
  select(condition, a, b, out, n);
}
OCTAVO_MULTIVERSION void select_4(const uint8_t* condition, const uint32_t* a, const uint32_t* b,
                                  uint32_t* out, int64_t n) {
  select(condition, a, b, out, n);
}
OCTAVO_MULTIVERSION void select_8(const uint8_t* condition, const uint64_t* a, const uint64_t* b,
                                  uint64_t* out, int64_t n) {
  select(condition, a, b, out, n);
}
}  // namespace

void select_row(int64_t element_bytes, const uint8_t* condition, const void* a, const void* b, void* out,
                int64_t n) {
  switch (element_bytes) {
    case 1:
      return select_1(condition, static_cast<const uint8_t*>(a), static_cast<const uint8_t*>(b),
                      static_cast<uint8_t*>(out), n);
    case 2:
      return select_2(condition, static_cast<const uint16_t*>(a), static_cast<const uint16_t*>(b),
                      static_cast<uint16_t*>(out), n);
    case 4:
      return select_4(condition, static_cast<const uint32_t*>(a), static_cast<const uint32_t*>(b),
                      static_cast<uint32_t*>(out), n);
    default:
      return select_8(condition, static_cast<const uint64_t*>(a), static_cast<const uint64_t*>(b),
                      static_cast<uint64_t*>(out), n);
  }
}

}  // namespace octavo::kernels
