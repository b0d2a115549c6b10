// How one layer's work is divided into tasks for threads: into bands of output rows, and parts of the output
// channels.
#pragma once

#include <cstdint>
#include <functional>

namespace octavo {

struct Division {
  int64_t rows;   // of the output, in a band
  int64_t bands;  // in an image
  int64_t parts;

  int64_t items(int64_t images) const { return images * bands * parts; }
};

// What the tasks of a layer cost, in the time that one block of output channels takes for one output row.
struct DivisionProblem {
  int64_t images, height, blocks, threads;
  int64_t most_rows;    // that a band may have
  double row_cost;      // of reading a row, whatever the number of blocks
  double weights_cost;  // of reading a block's weights, whatever the number of rows
};

// The cheapest: few bands read few rows and weights twice, but every thread needs a share.
Division divide(const DivisionProblem& problem);

}  // namespace octavo
