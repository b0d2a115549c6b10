// oneDNN without its cache of primitives.
#pragma once

#include <mutex>

#include "onednn/api.h"

namespace octavo::onednn {

// While there is one, the cache is off, for the whole process: 2.6's next_impl() gives what the cache has for
// the same problem, again and again, and not the next implementation.
class Uncached {
 public:
  Uncached() : lock_(mutex()), capacity_(dnnl::get_primitive_cache_capacity()) {
    dnnl::set_primitive_cache_capacity(0);
  }
  ~Uncached() { dnnl::set_primitive_cache_capacity(capacity_); }
  Uncached(const Uncached&) = delete;
  Uncached& operator=(const Uncached&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex one;
    return one;
  }

  std::lock_guard<std::mutex> lock_;
  int capacity_;
};

}  // namespace octavo::onednn
