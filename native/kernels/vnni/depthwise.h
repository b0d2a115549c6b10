// Depthwise convolution of 8-bit images, channels next to each other: each channel has its own window of
// weights.
//
// Four rows of the source are interleaved, so that a vector holds four vertical neighbours of 16 channels,
// which one instruction multiplies with their weights and adds. A column of the source is interleaved once
// for all windows that meet it, and for two rows of results: their weights stand against the same four rows,
// shifted.
#pragma once

#include <cstdint>

#include "kernels/vnni/depthwise_window.h"
#include "kernels/vnni/epilogue.h"

namespace octavo::kernels {

// For each section rows of images: the addresses of the block's first channel in their first columns.
struct DepthwiseRows {
  const uint8_t* source[kMostSections][kMostSourceRows];  // null: a row of padding
  uint8_t* results[kMostSections][2];                     // null: none
  const uint8_t* addends[kMostSections][2];
};

struct DepthwiseImage {
  int64_t source_step, result_step, addend_step;  // from a pixel to the next, in bytes
  uint8_t zero_point;                             // of the source, after the flip
  uint8_t source_flip;                            // 0x80 if it is signed
};

// Computes rows of a block. `packed`: its weights. `offset`: of the block's first channel in the epilogue's
// arrays.
using DepthwisePass = void (*)(const DepthwiseWindow& window, const DepthwiseBlock& block,
                               const DepthwiseImage& image, const DepthwiseRows& rows, const uint8_t* packed,
                               const Epilogue& epilogue, int64_t offset);
// For the epilogue's function and addend, and for float32 results if `floats`.
DepthwisePass depthwise_pass(const Epilogue& epilogue, bool floats);

}  // namespace octavo::kernels
