// Stores rows of 32-bit sums as results.
#pragma once

#include "kernels/vnni/epilogue.h"

namespace octavo::kernels {

// The most rows that are stored at once, and the bytes of their sums: groups of four rows are read whole.
constexpr int64_t kSumRows = 32;
constexpr size_t kSumsBytes = (kSumRows + 3) * kBlockChannels * sizeof(int32_t);

// Rows of up to kBlockChannels adjacent channels.
struct SumRows {
  const int32_t* sums;  // a row's are kBlockChannels after those of the row before
  int64_t count;        // of rows
  int64_t channels;     // a whole block in the order of block_channel(); fewer in their own order
  int64_t first;        // where in factor and offset of the epilogue the block's begin
};

// Where rows of results or addends lie: a row's are `step` bytes after those of the row before.
template <typename Byte>
struct ByteRows {
  Byte* first;
  int64_t step;
};

using StoreSums = void (*)(const SumRows& rows, const Epilogue& epilogue, ByteRows<const char> addend,
                           ByteRows<char> results);

// For an epilogue's function and addend, and results of bytes or of float32. Needs AVX-512 with VNNI.
StoreSums store_sums(Function function, Added added, bool bytes);

}  // namespace octavo::kernels
