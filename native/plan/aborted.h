#pragma once

#include "contract/failure.h"

namespace octavo {

// Thrown out of a run or a compilation that was told to stop.
struct Aborted : Failure {
  Aborted() : Failure(Cause::disposed, "the executor is shutting down") {}
};

}  // namespace octavo
