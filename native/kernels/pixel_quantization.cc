#include "kernels/pixel_quantization.h"

#include <cstring>

#include "kernels/multiversion.h"

namespace octavo::kernels {

namespace {
constexpr int64_t kBlock = 64;        // pixels whose words fit the first-level cache
constexpr int64_t kVectorPixels = 4;  // words in a vector of 16 bytes

typedef uint8_t Bytes __attribute__((vector_size(16)));

// Stores the bytes of the pixels without the unused bytes of their words. The bytes after them are
// undefined.
template <int Channels>
OCTAVO_INLINE Bytes pack_pixels(Bytes words) {
  static_assert(2 <= Channels && Channels <= kPixelChannels);
  if constexpr (Channels == 2) return __builtin_shuffle(words, Bytes{0, 1, 4, 5, 8, 9, 12, 13});
  if constexpr (Channels == 3) return __builtin_shuffle(words, Bytes{0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14});
  return words;
}

// A pixel is assembled in a 32-bit word, a lane as wide as the lane of its floats, so no values are
// packed or transposed.
template <int Channels, typename PixelWord>
OCTAVO_INLINE void pixels_of(uint8_t* pixels, int64_t count, const PixelWord& pixel_word) {
  alignas(64) uint32_t words[kBlock];
  int64_t i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    for (int64_t k = 0; k < kBlock; k++) words[k] = pixel_word(i + k);
    for (int64_t k = 0; k < kBlock; k += kVectorPixels) {
      Bytes packed;
      std::memcpy(&packed, words + k, sizeof(packed));
      packed = pack_pixels<Channels>(packed);
      // A whole store is faster, and the next one overwrites the bytes after the pixels.
      const bool last = k + kVectorPixels == kBlock;
      std::memcpy(pixels + (i + k) * Channels, &packed, last ? kVectorPixels * Channels : sizeof(packed));
    }
  }
  for (; i < count; i++) {
    const uint32_t word = pixel_word(i);
    for (int c = 0; c < Channels; c++) pixels[i * Channels + c] = static_cast<uint8_t>(word >> 8 * c);
  }
}

template <int Channels>
OCTAVO_INLINE void quantize_channels(const float* __restrict src, int64_t channel_step,
                                     uint8_t* __restrict pixels, int64_t count, const Quantization& to) {
  if (to.starts_at_zero()) {
    const uint32_t zero_points = static_cast<uint32_t>(to.zero_point) * 0x01010101u;
    return pixels_of<Channels>(pixels, count, [=](int64_t i) {
      uint32_t word = zero_points;
      for (int c = 0; c < Channels; c++)
        word += static_cast<uint32_t>(quantized_from_zero(src[c * channel_step + i], to)) << 8 * c;
      return word;
    });
  }
  pixels_of<Channels>(pixels, count, [=](int64_t i) {
    uint32_t word = 0;
    for (int c = 0; c < Channels; c++)
      word |= static_cast<uint32_t>(quantized(src[c * channel_step + i], to) & 255) << 8 * c;
    return word;
  });
}

OCTAVO_MULTIVERSION void quantize_any(const float* src, int64_t channel_step, uint8_t* pixels,
                                      int64_t channels, int64_t count, const Quantization& to) {
  switch (channels) {
    case 2:
      return quantize_channels<2>(src, channel_step, pixels, count, to);
    case 3:
      return quantize_channels<3>(src, channel_step, pixels, count, to);
    default:
      return quantize_channels<4>(src, channel_step, pixels, count, to);
  }
}
}  // namespace

void quantize_pixels(const float* src, int64_t channel_step, uint8_t* pixels, int64_t channels, int64_t count,
                     const Quantization& to) {
  quantize_any(src, channel_step, pixels, channels, count, to);
}

}  // namespace octavo::kernels
