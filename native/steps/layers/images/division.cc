#include "steps/layers/images/division.h"

#include <algorithm>
#include <cmath>

namespace octavo {

Division divide(const DivisionProblem& p) {
  const int64_t least = (p.height + p.most_rows - 1) / p.most_rows;
  Division best{0, 0, 0};
  double best_cost = INFINITY;
  for (int64_t bands = least; bands <= std::min(p.height, least + 2 * p.threads); bands++)
    for (int64_t parts = 1; parts <= std::min(p.threads, p.blocks); parts++) {
      const int64_t band = (p.height + bands - 1) / bands;
      const Division division{band, (p.height + band - 1) / band, parts};
      const auto rounds = static_cast<double>((division.items(p.images) + p.threads - 1) / p.threads);
      const auto per_part = static_cast<double>((p.blocks + parts - 1) / parts);
      const auto rows = static_cast<double>(band);
      const double cost = rounds * (rows * (per_part + p.row_cost) + per_part * p.weights_cost);
      if (cost < best_cost) {
        best = division;
        best_cost = cost;
      }
    }
  return best;
}

}  // namespace octavo
