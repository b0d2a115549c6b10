// For each integer a row of zeros with a one at its position.
#include <cstring>
#include <stdexcept>

#include "contract/table.h"
#include "rows/index_tensor.h"

namespace octavo {

namespace {
class OneHot : public Step {
 public:
  explicit OneHot(const StepSpec& spec)
      : indices_(spec, 0, "the indices", scratch_), output_(spec.outputs.at(0)) {
    Dims expected = indices_.desc().shape;
    expected.push_back(output_.shape.empty() ? 0 : output_.shape.back());
    if (output_.shape != expected || output_.dtype != DType::s64 || !output_.is_contiguous())
      throw std::invalid_argument("the output must be row-major " +
                                  TensorDesc{DType::s64, expected, {}}.to_string());
  }

  void execute(const Buffers& buffers) override {
    const int64_t classes = output_.shape.back();
    const int64_t* indices = indices_.read(buffers, classes, false);
    auto* out = static_cast<int64_t*>(buffers.outputs[0]);
    std::memset(out, 0, static_cast<size_t>(output_.numel()) * sizeof(int64_t));
    const int64_t count = indices_.desc().numel();
    for (int64_t i = 0; i < count; i++) out[i * classes + indices[i]] = 1;
  }
  std::string implementation() const override { return "octavo:one_hot"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  ScratchLayout scratch_;
  IndexTensor indices_;
  TensorDesc output_;
};
}  // namespace

std::unique_ptr<Step> create_one_hot(const StepSpec& spec) { return std::make_unique<OneHot>(spec); }

}  // namespace octavo
