#include "onednn/matmul_faults.h"

namespace octavo::onednn {

bool is_faulty_matmul(const std::string& implementation, DType src, int64_t inner) {
#if OCTAVO_ONEDNN_3
  (void)implementation;
  (void)src;
  (void)inner;
  return false;
#else
  // Where the last block of terms is a whole one once it is rounded up, tiles keep the shape they had: an
  // illegal instruction.
  const bool amx = implementation.find("amx") != std::string::npos;
  const bool bytes = is_byte(src);
  const int64_t block = bytes ? 64 : 32, together = bytes ? 4 : 2;
  const int64_t last = inner % block;
  return amx && inner > block && last > block - together;
#endif
}

}  // namespace octavo::onednn
