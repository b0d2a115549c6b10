// Rows of a table, by index.
#include <cstring>
#include <stdexcept>

#include "kernels/parallel.h"
#include "primitives/input_value.h"
#include "primitives/table.h"

namespace octavo {

namespace {
class Embedding : public Step {
 public:
  explicit Embedding(const StepSpec& spec)
      : table_(spec, 0, "the table"),
        indices_(spec, 1, "the indices"),
        output_(spec.outputs.at(0)),
        node_(spec.node) {
    const auto &table = table_.desc(), &indices = indices_.desc();
    if (table.shape.size() != 2 || !table.is_contiguous())
      throw std::invalid_argument("the table must be a row-major matrix, got " + table.to_string());
    if ((indices.dtype != DType::s64 && indices.dtype != DType::s32) || !indices.is_contiguous())
      throw std::invalid_argument("the indices must be row-major int64 or int32, got " + indices.to_string());
    Dims expected = indices.shape;
    expected.push_back(table.shape[1]);
    if (output_.shape != expected || output_.dtype != table.dtype || !output_.is_contiguous())
      throw std::invalid_argument("the output must be row-major " +
                                  TensorDesc{table.dtype, expected, {}}.to_string());
  }

  void execute(const Buffers& buffers) override {
    const int64_t rows = table_.desc().shape[0], count = indices_.desc().numel();
    const size_t bytes = static_cast<size_t>(table_.desc().shape[1]) * dtype_size(output_.dtype);
    const char* table = static_cast<const char*>(table_.data(buffers));
    const void* indices = indices_.data(buffers);
    char* out = static_cast<char*>(buffers.outputs[0]);
    // Indices are a request's data: checked here, before anything is read from the table.
    for (int64_t i = 0; i < count; i++)
      if (const int64_t row = index(indices, i); row < 0 || row >= rows)
        throw std::out_of_range("embedding '" + node_ + "': index " + std::to_string(row) +
                                " is out of range for a table of " + std::to_string(rows) + " rows");
    kernels::parallel_for(count, count * static_cast<int64_t>(bytes), [&](int64_t i) {
      std::memcpy(out + static_cast<size_t>(i) * bytes,
                  table + static_cast<size_t>(index(indices, i)) * bytes, bytes);
    });
  }
  std::string implementation() const override { return "octavo:embedding"; }

 private:
  int64_t index(const void* indices, int64_t i) const {
    return indices_.desc().dtype == DType::s64 ? static_cast<const int64_t*>(indices)[i]
                                               : static_cast<const int32_t*>(indices)[i];
  }

  InputValue table_, indices_;
  TensorDesc output_;
  std::string node_;
};
}  // namespace

std::unique_ptr<Step> create_embedding(const StepSpec& spec) { return std::make_unique<Embedding>(spec); }

}  // namespace octavo
