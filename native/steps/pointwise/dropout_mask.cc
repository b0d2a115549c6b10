// What dropout multiplies a tensor with: 0 with probability p, otherwise 1 / (1 - p). Input: the seed.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "kernels/training/dropout.h"

namespace octavo {

namespace {
constexpr int64_t kBlock = 16 * 1024;

class DropoutMask : public Step {
 public:
  explicit DropoutMask(const StepSpec& spec)
      : seed_(spec, 0, "the seed"), number_(spec.attributes.integer("number")), count_(0) {
    const double p = spec.attributes.number("p");
    const auto& out = spec.outputs.at(0);
    if (!(p >= 0 && p <= 1)) throw std::invalid_argument("p must be from 0 to 1, got " + std::to_string(p));
    if (seed_.desc().dtype != DType::s64 || seed_.desc().numel() != 1)
      throw std::invalid_argument("the seed must be one int64, got " + seed_.desc().to_string());
    if (out.dtype != DType::f32 || !out.is_contiguous())
      throw std::invalid_argument("the mask must be float32 and row-major, got " + out.to_string());
    count_ = out.numel();
    threshold_ = static_cast<uint32_t>(std::min(std::floor(p * 4294967296.0), 4294967295.0));
    kept_ = p == 1 ? 0.0f : static_cast<float>(1 / (1 - p));
  }

  void execute(const Buffers& buffers) override {
    const auto seed = static_cast<uint64_t>(*static_cast<const int64_t*>(seed_.data(buffers)));
    const uint64_t key = kernels::dropout_key(seed, static_cast<uint64_t>(number_));
    auto* out = static_cast<float*>(buffers.outputs[0]);
    const int64_t blocks = (count_ + kBlock - 1) / kBlock;
    kernels::parallel_for(blocks, count_ * int64_t{sizeof(float)}, [&](int64_t block) {
      const int64_t first = block * kBlock;
      kernels::dropout_row(key, static_cast<uint64_t>(first), threshold_, kept_, out + first,
                           std::min(kBlock, count_ - first));
    });
  }
  std::string implementation() const override { return "octavo:dropout_mask"; }

 private:
  InputValue seed_;
  int64_t number_, count_;
  uint32_t threshold_ = 0;
  float kept_ = 0;
};
}  // namespace

std::unique_ptr<Step> create_dropout_mask(const StepSpec& spec) {
  return std::make_unique<DropoutMask>(spec);
}

}  // namespace octavo
