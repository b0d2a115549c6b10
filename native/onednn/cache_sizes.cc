// The sizes of the caches, for oneDNN.
//
// Where a hypervisor hides the caches of an AMD CPU (CPUID leaf 0x8000001D is zero), oneDNN 3.2 to 3.7 take
// each for one byte. They then divide by zero, and pack weights wrongly: a block's padding overwrites its
// elements. oneDNN asks for the sizes by a function that it exports, thus the dynamic linker lets it be
// replaced: in a module's own scope, the module's definition precedes those of the libraries that it needs.
#include "onednn/api.h"

#if OCTAVO_ONEDNN_3
#include <dlfcn.h>
#include <unistd.h>

namespace {
using SizeOf = unsigned (*)(int level);
constexpr const char* kSymbol = "_ZN4dnnl4impl3cpu8platform23get_per_core_cache_sizeEi";

// No CPU that oneDNN runs on has less.
constexpr unsigned kLeast = 8 * 1024;

// 0 if the system does not know either.
unsigned from_the_system(int level) {
  // The third level is shared by a number of cores that it does not tell.
  if (level != 1 && level != 2) return 0;
  const long size = sysconf(level == 1 ? _SC_LEVEL1_DCACHE_SIZE : _SC_LEVEL2_CACHE_SIZE);
  return size > 0 ? static_cast<unsigned>(size) : 0;
}

// What oneDNN assumes of CPUs whose caches it knows nothing about.
unsigned assumed(int level) {
  switch (level) {
    case 1:
      return 32 * 1024;
    case 2:
      return 512 * 1024;
    case 3:
      return 1024 * 1024;
    default:
      return 0;
  }
}
}  // namespace

namespace dnnl::impl::cpu::platform {
// Bytes of a level's cache that each core may count on.
__attribute__((visibility("default"))) unsigned get_per_core_cache_size(int level) {
  static const auto replaced = reinterpret_cast<SizeOf>(dlsym(RTLD_NEXT, kSymbol));
  for (const unsigned size : {replaced ? replaced(level) : 0, from_the_system(level)})
    if (size >= kLeast) return size;
  return assumed(level);
}
}  // namespace dnnl::impl::cpu::platform
#endif
