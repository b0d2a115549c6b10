// Rows of a table, by index; those of a table of small integers are dequantized, each with its own
// parameters.
#include <cstring>
#include <optional>
#include <stdexcept>

#include "contract/index_list.h"
#include "contract/input_value.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "steps/movement/embedding_table.h"

namespace octavo {

namespace {
// Checks the indices' and the result's shapes; the table's rows have `width` elements of `dtype`.
void check_rows(const TensorDesc& indices, const TensorDesc& output, DType dtype, int64_t width) {
  Dims expected = indices.shape;
  expected.push_back(width);
  if (output.shape != expected || output.dtype != dtype || !output.is_contiguous())
    throw std::invalid_argument("the output must be row-major " +
                                TensorDesc{dtype, expected, {}}.to_string());
}

// Of a table of any dtype: rows are copied.
class Embedding : public Step {
 public:
  explicit Embedding(const StepSpec& spec)
      : table_(spec, 0, "the table"),
        indices_(spec, 1, "the indices", scratch_),
        name_("embedding '" + spec.node + "'") {
    const auto& table = table_.desc();
    if (table.shape.size() != 2 || !table.is_contiguous())
      throw std::invalid_argument("the table must be a row-major matrix, got " + table.to_string());
    check_rows(indices_.desc(), spec.outputs.at(0), table.dtype, table.shape[1]);
    bytes_ = static_cast<size_t>(table.shape[1]) * dtype_size(table.dtype);
  }

  void execute(const Buffers& buffers) override {
    const int64_t count = indices_.desc().numel();
    const char* table = static_cast<const char*>(table_.data(buffers));
    // Indices are a request's data: checked here, before anything is read from the table.
    const int64_t* indices = indices_.copy_rows(buffers, table_.desc().shape[0], name_);
    char* out = static_cast<char*>(buffers.outputs[0]);
    kernels::parallel_for(count, count * static_cast<int64_t>(bytes_), [&](int64_t i) {
      std::memcpy(out + static_cast<size_t>(i) * bytes_, table + static_cast<size_t>(indices[i]) * bytes_,
                  bytes_);
    });
  }
  std::string implementation() const override { return "octavo:embedding"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  ScratchLayout scratch_;
  InputValue table_;
  IndexList indices_;
  size_t bytes_;
  std::string name_;
};

class QuantizedEmbedding : public Step {
 public:
  explicit QuantizedEmbedding(const StepSpec& spec)
      : table_(spec), indices_(spec, 1, "the indices", scratch_), name_("embedding '" + spec.node + "'") {
    check_rows(indices_.desc(), spec.outputs.at(0), DType::f32, table_.width());
  }

  void execute(const Buffers& buffers) override {
    const int64_t count = indices_.desc().numel(), width = table_.width();
    const int64_t* indices = indices_.copy_rows(buffers, table_.rows(), name_);
    auto* out = static_cast<float*>(buffers.outputs[0]);
    kernels::parallel_for(count, count * width * static_cast<int64_t>(sizeof(float)), [&](int64_t i) {
      if (i + kAhead < count) table_.prefetch(buffers, indices[i + kAhead]);
      table_.read(buffers, indices[i], out + i * width);
    });
  }
  std::string implementation() const override { return "octavo:embedding"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  static constexpr int64_t kAhead = 8;  // rows

  ScratchLayout scratch_;
  EmbeddingTable table_;
  IndexList indices_;
  std::string name_;
};
}  // namespace

std::unique_ptr<Step> create_embedding(const StepSpec& spec) {
  if (spec.attributes.has("bits")) return std::make_unique<QuantizedEmbedding>(spec);
  return std::make_unique<Embedding>(spec);
}

}  // namespace octavo
