#include "kernels/float_product.h"

#include <algorithm>
#include <cstring>

#include "kernels/multiversion.h"
#include "kernels/transpose.h"

namespace octavo::kernels {

namespace {
template <typename Vector>
constexpr int kLanes = static_cast<int>(sizeof(Vector) / sizeof(float));

template <typename Vector>
OCTAVO_INLINE void load(Vector& vector, const float* from) {
  std::memcpy(&vector, from, sizeof(Vector));
}

template <typename Vector, int... kVectors>
OCTAVO_INLINE void load_all(Numbers<kVectors...>, const float* from, Vector* vectors) {
  (load(vectors[kVectors], from + kVectors * kLanes<Vector>), ...);
}

template <typename Vector, int... kVectors>
OCTAVO_INLINE void add_row(Numbers<kVectors...>, float factor, const Vector* columns, Vector* sums) {
  ((sums[kVectors] += factor * columns[kVectors]), ...);
}

template <int kVectors, typename Vector, int... kRows>
OCTAVO_INLINE void add_term(Numbers<kRows...>, FloatRows<const float> rows, const Vector* columns,
                            Vector* sums) {
  (add_row(Count<kVectors>(), rows.first[kRows * rows.step], columns, sums + kRows * kVectors), ...);
}

template <typename Vector>
OCTAVO_INLINE void store(const Vector& sum, float factor, float* to) {
  const Vector result = sum * factor;
  std::memcpy(to, &result, sizeof(Vector));
}

template <int kVectors, typename Vector, int... kSums>
OCTAVO_INLINE void store_all(Numbers<kSums...>, const Vector* sums, float factor, FloatRows<float> to) {
  (store(sums[kSums], factor, to.first + kSums / kVectors * to.step + kSums % kVectors * kLanes<Vector>),
   ...);
}

template <typename Vector, int... kSums>
OCTAVO_INLINE void clear(Numbers<kSums...>, Vector* sums) {
  ((sums[kSums] = Vector{}), ...);
}

// Some rows, and some adjacent vectors of a panel's columns.
template <typename Vector, int kRows, int kVectors>
OCTAVO_INLINE void multiply_block(FloatRows<const float> rows, const float* columns, int64_t terms,
                                  float factor, FloatRows<float> results) {
  Vector sums[kRows * kVectors];
  clear(Count<kRows * kVectors>(), sums);
  for (int64_t t = 0; t < terms; t++, rows.first++, columns += kPackedColumns) {
    Vector loaded[kVectors];
    load_all(Count<kVectors>(), columns, loaded);
    add_term<kVectors>(Count<kRows>(), rows, loaded, sums);
  }
  store_all<kVectors>(Count<kRows * kVectors>(), sums, factor, results);
}

// A block of `count` rows, which is one of kRows.
template <typename Vector, int kVectors, int... kRows>
OCTAVO_INLINE void multiply_rows(Numbers<kRows...>, int64_t count, FloatRows<const float> rows,
                                 const float* columns, int64_t terms, float factor,
                                 FloatRows<float> results) {
  ((count == kRows + 1 ? multiply_block<Vector, kRows + 1, kVectors>(rows, columns, terms, factor, results)
                       : void()),
   ...);
}

// In blocks of about the same number of rows, at most kRows: as many as keep the multiplications busy and
// their sums in registers.
template <typename Vector, int kRows, int kVectors>
OCTAVO_INLINE void multiply_panel(FloatRows<const float> rows, int64_t count, const float* panel,
                                  int64_t terms, float factor, FloatRows<float> results) {
  const int64_t blocks = (count + kRows - 1) / kRows;
  for (int64_t c = 0; c < kPackedColumns; c += kVectors * kLanes<Vector>)
    for (int64_t block = 0; block < blocks; block++) {
      const int64_t first = count * block / blocks, end = count * (block + 1) / blocks;
      multiply_rows<Vector, kVectors>(Count<kRows>(), end - first,
                                      {rows.first + first * rows.step, rows.step}, panel + c, terms, factor,
                                      {results.first + first * results.step + c, results.step});
    }
}

typedef float Four __attribute__((vector_size(16)));
typedef float Eight __attribute__((vector_size(32)));
typedef float Sixteen __attribute__((vector_size(64)));

#define OCTAVO_PANEL_ARGUMENTS                                                                 \
  FloatRows<const float> rows, int64_t count, const float *panel, int64_t terms, float factor, \
      FloatRows<float> results

// The widest that the CPU has is called.
__attribute__((target("default"))) void multiply_one(OCTAVO_PANEL_ARGUMENTS) {
  multiply_panel<Four, 4, 2>(rows, count, panel, terms, factor, results);
}
__attribute__((target("arch=x86-64-v3"))) void multiply_one(OCTAVO_PANEL_ARGUMENTS) {
  multiply_panel<Eight, 6, 2>(rows, count, panel, terms, factor, results);
}
__attribute__((target("arch=x86-64-v4"))) void multiply_one(OCTAVO_PANEL_ARGUMENTS) {
  multiply_panel<Sixteen, 8, 2>(rows, count, panel, terms, factor, results);
}
#undef OCTAVO_PANEL_ARGUMENTS
}  // namespace

void pack_panels(const float* matrix, int64_t term_step, int64_t column_step, int64_t terms, int64_t columns,
                 float* panels) {
  for (int64_t c = 0; c < columns; c += kPackedColumns, panels += terms * kPackedColumns) {
    const int64_t count = std::min(kPackedColumns, columns - c);
    const float* from = matrix + c * column_step;
    if (count < kPackedColumns) std::fill_n(panels, terms * kPackedColumns, 0.0f);
    if (column_step == 1)
      for (int64_t t = 0; t < terms; t++)
        std::copy_n(from + t * term_step, count, panels + t * kPackedColumns);
    else if (term_step == 1)
      transpose(sizeof(float), from, column_step, panels, kPackedColumns, count, terms);
    else
      for (int64_t t = 0; t < terms; t++)
        for (int64_t i = 0; i < count; i++)
          panels[t * kPackedColumns + i] = from[t * term_step + i * column_step];
  }
}

void multiply_panels(FloatRows<const float> rows, int64_t count, Panels panels, int64_t terms,
                     int64_t columns, float factor, FloatRows<float> results) {
  const float* panel = panels.first;
  for (int64_t c = 0; c < columns; c += kPackedColumns, panel += panels.terms * kPackedColumns)
    multiply_one(rows, count, panel, terms, factor, {results.first + c, results.step});
}

}  // namespace octavo::kernels
