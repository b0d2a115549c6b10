#include "cpu/affinity.h"

#include <sched.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace octavo::cpu {

void bind_thread(const std::vector<size_t>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const size_t cpu : cpus) {
    if (cpu >= CPU_SETSIZE)
      throw std::invalid_argument("CPU " + std::to_string(cpu) +
                                  " cannot be bound to; the last one that can is " +
                                  std::to_string(CPU_SETSIZE - 1));
    CPU_SET(cpu, &set);
  }
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    throw std::system_error(errno, std::generic_category(), "binding a thread to its CPUs");
}

}  // namespace octavo::cpu
