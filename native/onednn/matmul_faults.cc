#include "onednn/matmul_faults.h"

namespace octavo::onednn {

const char* matmul_fault(const Implementation& implementation, DType src, int64_t inner) {
#if OCTAVO_ONEDNN_3
  (void)implementation;
  (void)src;
  (void)inner;
  return nullptr;
#else
  // If rounding up makes the last block of terms a whole one, tiles keep their previous shape: an illegal
  // instruction.
  const bool bytes = is_byte(src);
  const int64_t block = bytes ? 64 : 32, together = bytes ? 4 : 2;
  const int64_t last = inner % block;
  const bool rounds_up = inner > block && last > block - together;
  return implementation.is_amx && rounds_up ? "an illegal instruction where the last terms nearly fill a tile"
                                            : nullptr;
#endif
}

}  // namespace octavo::onednn
