// Products of a few rows with a weight whose rows are packed in panels: what a recurrent layer computes at
// every step. All panels of one block of states are adjacent, a panel for each gate, so that the sums of all
// gates of a state come out of one pass.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// States that one panel computes.
constexpr int64_t kPanelColumns = 16;
// Adjacent terms of a weight's row that a register of a packed weight holds for each state: bytes are
// multiplied with one instruction, and pairs of 16 bits become float32 without moving between lanes. Rows of
// bytes that are multiplied are as long as a multiple of it; what their ends hold does not count.
constexpr int64_t kByteGroup = 4, kHalfGroup = 2;

// What the kernels may use of the processor.
enum class PanelIsa { baseline, avx2, avx512, avx512_vnni };

inline int64_t panel_blocks(int64_t states) { return (states + kPanelColumns - 1) / kPanelColumns; }

// The rows of a weight [gates * states, terms], row-major.
struct GateRows {
  int64_t gates, states, terms;

  int64_t panels() const { return panel_blocks(states) * gates; }
  int64_t columns() const { return panels() * kPanelColumns; }
  // Terms in whole groups.
  int64_t grouped(int64_t group) const { return (terms + group - 1) / group * group; }
  int64_t byte_terms() const { return grouped(kByteGroup); }
};

// A bfloat16 number, by its bits.
enum class Bfloat16 : uint16_t {};

// [panels, groups, kPanelColumns, terms of a group]: float32 one term at a time. States missing from the last
// block are 0, and so are terms missing from the last group.
void pack_panels(const GateRows& rows, const float* weights, float* packed);
void pack_panels(const GateRows& rows, const Bfloat16* weights, Bfloat16* packed);
// Also the sum of each column, columns() of them.
void pack_panels(const GateRows& rows, const int8_t* weights, int8_t* packed, int32_t* column_sums);
// Values of all gates and states in the order of the columns of packed weights; those that are missing are 0.
void pack_columns(const GateRows& rows, const float* values, float* packed);

// sums[r * sums_step + c] = the product of row r and column c of `panel_count` panels.
void multiply_panels(PanelIsa isa, const float* const* rows, int64_t row_count, int64_t terms,
                     const float* panels, int64_t panel_count, float* sums, int64_t sums_step);
// The same with weights that are read in 16 bits, and multiplied in float32.
void multiply_panels(PanelIsa isa, const float* const* rows, int64_t row_count, int64_t terms,
                     const Bfloat16* panels, int64_t panel_count, float* sums, int64_t sums_step);

// How sums of products of bytes become real numbers: scale * (sum - zero_point * column_sum).
struct ByteScale {
  float scale;
  int32_t zero_point;
};

// The same of rows of bytes, at most 127, so that no sum of two products exceeds 16 bits. `terms`: a multiple
// of kByteGroup.
void multiply_panels(PanelIsa isa, const uint8_t* const* rows, int64_t row_count, int64_t terms,
                     const int8_t* panels, const int32_t* column_sums, const ByteScale& scale,
                     int64_t panel_count, float* sums, int64_t sums_step);

}  // namespace octavo::kernels
