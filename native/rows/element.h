// One element of a dtype, as a step fills or writes it.
#pragma once

#include "tensor/tensor_desc.h"

namespace octavo {

class Element {
 public:
  // Throws std::invalid_argument if the dtype has no such value: a fraction or an infinity for integers, or a
  // number beyond their range.
  Element(DType dtype, double value);
  const char* bytes() const { return bytes_; }

 private:
  alignas(8) char bytes_[8] = {};
};

// Copies n elements that are `step` elements apart.
void copy_elements(size_t element_bytes, const char* src, int64_t src_step, char* dst, int64_t dst_step,
                   int64_t n);
// Writes one element n times.
void fill_elements(size_t element_bytes, const char* element, char* dst, int64_t dst_step, int64_t n);

}  // namespace octavo
