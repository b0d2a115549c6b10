#include "steps/products/matrix_operands.h"

#include <algorithm>
#include <stdexcept>

namespace octavo {

namespace {
TensorDesc inserted(TensorDesc desc, size_t at) {
  desc.shape.insert(desc.shape.begin() + at, 1);
  desc.strides.insert(desc.strides.begin() + at, 1);
  return desc;
}
}  // namespace

TensorDesc padded(TensorDesc desc, size_t rank) {
  while (desc.shape.size() < rank) {
    desc.shape.insert(desc.shape.begin(), 1);
    desc.strides.insert(desc.strides.begin(), 1);
  }
  return desc;
}

// oneDNN multiplies matrices whose rows or whose columns are dense; others are copied row-major first, and so
// are single rows and columns with gaps, which 3.7 takes for dense vectors.
TensorDesc multipliable(const TensorDesc& desc) {
  const size_t rank = desc.shape.size();
  const int64_t rows = desc.shape[rank - 2], columns = desc.shape[rank - 1];
  const int64_t down = desc.strides[rank - 2], right = desc.strides[rank - 1];
  const bool is_vector = rows == 1 || columns == 1;
  const bool gapped = (columns > 1 ? right : rows > 1 ? down : 1) != 1;
  const bool row_major = is_vector ? !gapped : right == 1 && down >= columns;
  const bool column_major = !is_vector && down == 1 && right >= rows;
  TensorDesc result = desc;
  if (row_major) {
    result.strides[rank - 1] = 1;
    if (is_vector) result.strides[rank - 2] = columns;
  } else if (!column_major) {
    result.strides = row_major_strides(desc.shape);
  }
  return result;
}

TensorDesc writable(const TensorDesc& desc) {
  TensorDesc result = multipliable(desc);
  if (result.strides.back() != 1) result.strides = row_major_strides(desc.shape);
  return result;
}

Factors read_factors(const StepSpec& spec) {
  Factors p{spec.input(0, "a").desc, spec.input(1, "b").desc, spec.outputs.at(0)};
  if (p.a.shape.empty() || p.b.shape.empty())
    throw std::invalid_argument("both tensors must have at least 1 dimension");
  // A vector is a row on the left and a column on the right; the result loses that dimension again.
  if (p.b.shape.size() == 1) {
    p.b = inserted(p.b, 1);
    p.dst = inserted(p.dst, p.dst.shape.size());
  }
  if (p.a.shape.size() == 1) {
    p.a = inserted(p.a, 0);
    if (p.dst.shape.empty()) throw std::invalid_argument("the output has too few dimensions");
    p.dst = inserted(p.dst, p.dst.shape.size() - 1);
  }
  const size_t rank = std::max(p.a.shape.size(), p.b.shape.size());
  p.a = padded(p.a, rank);
  p.b = padded(p.b, rank);
  if (p.a.shape[rank - 1] != p.b.shape[rank - 2])
    throw std::invalid_argument("inner extents " + std::to_string(p.a.shape[rank - 1]) + " and " +
                                std::to_string(p.b.shape[rank - 2]) + " differ");
  Dims expected;
  for (size_t i = 0; i + 2 < rank; i++) {
    const int64_t m = p.a.shape[i], n = p.b.shape[i];
    if (m != n && m != 1 && n != 1)
      throw std::invalid_argument("batch extents " + std::to_string(m) + " and " + std::to_string(n) +
                                  " do not broadcast");
    expected.push_back(m == 1 ? n : m);
  }
  expected.push_back(p.a.shape[rank - 2]);
  expected.push_back(p.b.shape[rank - 1]);
  if (p.dst.shape != expected)
    throw std::invalid_argument("the output must have " + TensorDesc{p.dst.dtype, expected, {}}.to_string() +
                                " matrices, got " + p.dst.to_string());
  if (p.a.numel() == 0 || p.b.numel() == 0) throw std::invalid_argument("empty tensors cannot be multiplied");
  return p;
}

}  // namespace octavo
