// Reads and writes runs of elements, of any type and any distance apart, as contiguous values of another
// type.
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/row_conversion.h"
#include "kernels/transpose.h"

namespace octavo {

// The largest count of elements in a run, and the bytes of a buffer for them.
constexpr int64_t kTypedRun = 512;
constexpr size_t kTypedRunBytes = kTypedRun * 8;

// Fills n elements with the first one.
inline void repeat_first(void* values, int64_t element_bytes, int64_t n) {
  auto* bytes = static_cast<char*>(values);
  const int64_t all = n * element_bytes;
  // Doubles the filled part each time.
  for (int64_t made = element_bytes; made < all; made *= 2)
    std::memcpy(bytes + made, bytes, static_cast<size_t>(std::min(made, all - made)));
}

class RunReader {
 public:
  RunReader(DType stored, DType read)
      : conversion_(kernels::RowConversion::cast(stored, read)),
        stored_bytes_(static_cast<int64_t>(dtype_size(stored))),
        read_bytes_(static_cast<int64_t>(dtype_size(read))),
        moves_(stored == read) {}

  // n values that are `step` elements apart: where they are if nothing has to be done, else in `buffer`.
  const void* read(const void* src, int64_t step, int64_t n, void* buffer) const {
    if (step == 1 && moves_) return src;
    if (step == 0) {
      conversion_(src, buffer, 1);
      repeat_first(buffer, read_bytes_, n);
    } else if (step == 1) {
      conversion_(src, buffer, n);
    } else if (moves_) {
      kernels::gather(stored_bytes_, src, step * stored_bytes_, buffer, stored_bytes_, n);
    } else {
      alignas(64) char gathered[kTypedRunBytes];
      kernels::gather(stored_bytes_, src, step * stored_bytes_, gathered, stored_bytes_, n);
      conversion_(gathered, buffer, n);
    }
    return buffer;
  }

  int64_t stored_bytes() const { return stored_bytes_; }

 private:
  kernels::RowConversion conversion_;
  int64_t stored_bytes_, read_bytes_;
  bool moves_;
};

class RunWriter {
 public:
  RunWriter(DType written, DType stored)
      : conversion_(kernels::RowConversion::cast(written, stored)),
        stored_bytes_(static_cast<int64_t>(dtype_size(stored))),
        moves_(written == stored) {}

  // Where values should be computed that are to be written to dst: there, or in `buffer`.
  void* place(void* dst, int64_t step, void* buffer) const { return step == 1 && moves_ ? dst : buffer; }

  // Writes n values from the place that they were computed in.
  void write(const void* values, void* dst, int64_t step, int64_t n) const {
    if (values == dst) return;
    if (step == 1) return conversion_(values, dst, n);
    alignas(64) char converted[kTypedRunBytes];
    conversion_(values, converted, n);
    kernels::gather(stored_bytes_, converted, stored_bytes_, dst, step * stored_bytes_, n);
  }

  int64_t stored_bytes() const { return stored_bytes_; }

 private:
  kernels::RowConversion conversion_;
  int64_t stored_bytes_;
  bool moves_;
};

}  // namespace octavo
