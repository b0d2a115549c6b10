// A bool as tensors hold it.
#pragma once

#include <cstdint>

namespace octavo::kernels {

// C++ may read its own bool from the bytes 0 and 1 alone, but callers and files hold others: all of them are
// true, as in PyTorch.
struct StoredBool {
  StoredBool() = default;
  template <typename T>
  explicit StoredBool(T value) : byte(value != 0) {}
  template <typename T>
  explicit operator T() const {
    return static_cast<T>(byte != 0);
  }

  uint8_t byte;
};

}  // namespace octavo::kernels
