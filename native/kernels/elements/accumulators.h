// What reductions keep of the values that they have seen. Each accumulator reads values of one type, in runs,
// and has one or more results.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace octavo::kernels {

// The numbers that a reduction has besides its input.
struct ReductionParameters {
  double order = 2;       // of a norm
  double correction = 0;  // of a variance: what is subtracted from the count
};

// The type in which running sums and products are kept: integers wrap around on overflow.
template <typename T>
using Wide = std::conditional_t<std::is_floating_point_v<T>, T, uint64_t>;

template <typename T>
struct SumOf {
  using Value = T;
  using Result = T;
  explicit SumOf(const ReductionParameters&) {}
  void add(const T* values, int64_t n) {
    for (int64_t i = 0; i < n; i++) sum += static_cast<Wide<T>>(values[i]);
  }
  T result(size_t) const { return static_cast<T>(sum); }

 private:
  Wide<T> sum = 0;
};

template <typename T>
struct ProductOf {
  using Value = T;
  using Result = T;
  explicit ProductOf(const ReductionParameters&) {}
  void add(const T* values, int64_t n) {
    for (int64_t i = 0; i < n; i++) product *= static_cast<Wide<T>>(values[i]);
  }
  T result(size_t) const { return static_cast<T>(product); }

 private:
  Wide<T> product = 1;
};

// The greatest, or the least; NaN if there is one.
template <typename T, bool greatest>
struct ExtremumOf {
  using Value = T;
  using Result = T;
  explicit ExtremumOf(const ReductionParameters&) {}
  void add(const T* values, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
      const T value = values[i];
      const bool is_better = greatest ? value > best : value < best;
      if (!has_any || is_better || value != value) best = best != best ? best : value;
      has_any = true;
    }
  }
  T result(size_t) const { return best; }

 private:
  T best = 0;
  bool has_any = false;
};

struct MeanOf {
  using Value = double;
  using Result = double;
  explicit MeanOf(const ReductionParameters&) {}
  void add(const double* values, int64_t n) {
    for (int64_t i = 0; i < n; i++) sum += values[i];
    count += n;
  }
  double result(size_t) const { return sum / static_cast<double>(count); }

 private:
  double sum = 0;
  int64_t count = 0;
};

// Of truth values: how many there are that hold.
struct CountOf {
  using Value = uint8_t;
  using Result = int64_t;
  explicit CountOf(const ReductionParameters&) {}
  void add(const uint8_t* values, int64_t n) {
    for (int64_t i = 0; i < n; i++) count += values[i] != 0;
  }
  int64_t result(size_t) const { return count; }

 private:
  int64_t count = 0;
};

// Whether all of several truth values hold, or any.
template <bool all>
struct TruthOf {
  using Value = uint8_t;
  using Result = int64_t;
  explicit TruthOf(const ReductionParameters&) {}
  void add(const uint8_t* values, int64_t n) {
    for (int64_t i = 0; i < n; i++) truth = all ? truth && values[i] != 0 : truth || values[i] != 0;
  }
  int64_t result(size_t) const { return truth ? 1 : 0; }

 private:
  bool truth = all;
};

struct LogSumExpOf {
  using Value = double;
  using Result = double;
  explicit LogSumExpOf(const ReductionParameters&) {}
  void add(const double* values, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
      const double value = values[i];
      if (value <= greatest || value != value) {
        sum += value == -kInfinity ? 0 : std::exp(value - greatest);
      } else {
        sum = sum * std::exp(greatest - value) + 1;
        greatest = value;
      }
    }
  }
  double result(size_t) const {
    return std::isinf(greatest) && sum == sum ? greatest : greatest + std::log(sum);
  }

 private:
  static constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double greatest = -kInfinity, sum = 0;
};

// The norm of an order: (sum |x|^order)^(1 / order), with its limits for 0 and the infinities.
struct NormOf {
  using Value = double;
  using Result = double;
  explicit NormOf(const ReductionParameters& parameters) : order(parameters.order) {
    if (order == -std::numeric_limits<double>::infinity()) kept = std::numeric_limits<double>::infinity();
  }
  void add(const double* values, int64_t n) {
    if (order == 2) return add_squares(values, n);
    for (int64_t i = 0; i < n; i++) add_one(std::fabs(values[i]));
  }
  double result(size_t) const {
    if (order == 0 || order == 1 || std::isinf(order)) return kept;
    return order == 2 ? std::sqrt(kept) : std::pow(kept, 1 / order);
  }

 private:
  // Several sums side by side do not wait for each other.
  void add_squares(const double* values, int64_t n) {
    double sums[4] = {0, 0, 0, 0};
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
      for (int64_t k = 0; k < 4; k++) sums[k] += values[i + k] * values[i + k];
    for (; i < n; i++) sums[0] += values[i] * values[i];
    kept += (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

  void add_one(double size) {
    if (order == 1)
      kept += size;
    else if (order == 0)
      kept += size != 0;
    else if (!std::isinf(order))
      kept += std::pow(size, order);
    else if (size != size || (order > 0 ? size > kept : size < kept))
      kept = kept != kept ? kept : size;
  }

  double order, kept = 0;
};

// Variance or standard deviation, and the mean as the second result.
template <bool root>
struct SpreadOf {
  using Value = double;
  using Result = double;
  explicit SpreadOf(const ReductionParameters& parameters) : correction(parameters.correction) {}
  // Each run's own mean and squares join those before it (Chan, Golub and LeVeque, 1979).
  void add(const double* values, int64_t n) {
    double sum = 0, run_squares = 0;
    for (int64_t i = 0; i < n; i++) sum += values[i];
    const auto length = static_cast<double>(n);
    const double run_mean = sum / length;
    for (int64_t i = 0; i < n; i++) run_squares += (values[i] - run_mean) * (values[i] - run_mean);
    const double difference = run_mean - mean, total = count + length;
    mean += difference * length / total;
    squares += run_squares + difference * difference * count * length / total;
    count = total;
  }
  double result(size_t index) const {
    if (count == 0) return std::numeric_limits<double>::quiet_NaN();
    if (index == 1) return mean;
    const double divisor = count - correction > 0 ? count - correction : 0;
    return root ? std::sqrt(squares / divisor) : squares / divisor;
  }

 private:
  double correction, count = 0, mean = 0, squares = 0;
};

}  // namespace octavo::kernels
