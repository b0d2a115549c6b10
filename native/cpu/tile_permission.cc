#include "cpu/tile_permission.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace octavo::cpu {
namespace {

// From <asm/prctl.h>, which older distributions have without them.
constexpr int arch_get_xcomp_perm = 0x1022;
constexpr int arch_req_xcomp_perm = 0x1023;
constexpr unsigned long xfeature_xtiledata = 18;

}  // namespace

void request_tile_permission() { syscall(SYS_arch_prctl, arch_req_xcomp_perm, xfeature_xtiledata); }

uint64_t permitted_states() {
  uint64_t states = 0;
  return syscall(SYS_arch_prctl, arch_get_xcomp_perm, &states) == 0 ? states : 0;
}

}  // namespace octavo::cpu
