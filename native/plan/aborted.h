#pragma once

#include <stdexcept>

namespace octavo {

// Thrown out of a run or a compilation that was told to stop.
struct Aborted : std::runtime_error {
  Aborted() : std::runtime_error("the executor is shutting down") {}
};

}  // namespace octavo
