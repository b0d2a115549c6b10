// What a worker keeps for the jobs that it runs.
#pragma once

#include <cstddef>
#include <vector>

#include "plan/arena.h"
#include "plan/lanes.h"

namespace octavo {

struct Stream {
  explicit Stream(size_t number) : index(number) {}

  const size_t index;
  std::vector<Arena> arenas;  // one a lane
  Arena gathered;             // inputs and outputs of requests that are computed together
  Lanes lanes;
};

}  // namespace octavo
