// Turns oneDNN's primitive cache off.
#pragma once

#include <mutex>

#include "onednn/api.h"

namespace octavo::onednn {

// While an instance exists, the cache is off for the whole process. With it, 2.6's next_impl() returns the
// cached implementation of the same problem again and again, instead of the next one.
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
