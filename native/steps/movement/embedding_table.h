// The table of an embedding: rows of floats, or of small integers with parameters of their own.
#pragma once

#include "contract/input_value.h"
#include "kernels/tables/table_rows.h"

namespace octavo {

class EmbeddingTable {
 public:
  // The first input; the result's last extent is the width of its rows. The attribute "bits" is 32 for a
  // float32 matrix, 8 or 4 for rows as kernels/tables/table_rows.h describes them, a uint8 matrix. Throws
  // std::invalid_argument for a table that is not such.
  explicit EmbeddingTable(const StepSpec& spec);

  int64_t rows() const { return table_.desc().shape[0]; }
  int64_t width() const { return width_; }

  void read(const Buffers& buffers, int64_t row, float* out) const {
    kernels::read_table_row(elements_, begin_of(buffers, row), out, width_);
  }
  // out += factor * row.
  void add(const Buffers& buffers, int64_t row, float factor, float* out) const {
    kernels::add_table_row(elements_, begin_of(buffers, row), factor, out, width_);
  }
  // Asks for a row that will be read soon: rows lie anywhere in memory.
  void prefetch(const Buffers& buffers, int64_t row) const;

 private:
  const char* begin_of(const Buffers& buffers, int64_t row) const {
    return static_cast<const char*>(table_.data(buffers)) + row * row_bytes_;
  }

  InputValue table_;
  kernels::TableElements elements_;
  int64_t width_, row_bytes_;
};

}  // namespace octavo
