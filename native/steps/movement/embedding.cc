// Rows of a table, by index; those of a table of 8-bit integers are dequantized, each with its own
// parameters.
#include <cstring>
#include <optional>
#include <stdexcept>

#include "contract/index_list.h"
#include "contract/input_value.h"
#include "contract/parameters.h"
#include "contract/table.h"
#include "kernels/parallel.h"
#include "kernels/row_conversion.h"

namespace octavo {

namespace {
class Embedding : public Step {
 public:
  explicit Embedding(const StepSpec& spec)
      : table_(spec, 0, "the table"),
        indices_(spec, 1, "the indices", scratch_),
        output_(spec.outputs.at(0)),
        name_("embedding '" + spec.node + "'") {
    const auto& table = table_.desc();
    if (table.shape.size() != 2 || !table.is_contiguous())
      throw std::invalid_argument("the table must be a row-major matrix, got " + table.to_string());
    Dims expected = indices_.desc().shape;
    expected.push_back(table.shape[1]);
    if (spec.inputs.size() > 2) read_parameters(spec);
    const DType dtype = scales_ ? DType::f32 : table.dtype;
    if (output_.shape != expected || output_.dtype != dtype || !output_.is_contiguous())
      throw std::invalid_argument("the output must be row-major " +
                                  TensorDesc{dtype, expected, {}}.to_string());
  }

  void execute(const Buffers& buffers) override {
    const int64_t count = indices_.desc().numel(), width = table_.desc().shape[1];
    const size_t bytes = static_cast<size_t>(width) * dtype_size(table_.desc().dtype);
    const size_t out_bytes = static_cast<size_t>(width) * dtype_size(output_.dtype);
    const char* table = static_cast<const char*>(table_.data(buffers));
    // Indices are a request's data: checked here, before anything is read from the table.
    const int64_t* indices = indices_.copy_rows(buffers, table_.desc().shape[0], name_);
    char* out = static_cast<char*>(buffers.outputs[0]);
    const void* scales = scales_ ? scales_->data(buffers) : nullptr;
    const void* zero_points = zero_points_ ? zero_points_->data(buffers) : nullptr;
    kernels::parallel_for(count, count * static_cast<int64_t>(out_bytes), [&](int64_t i) {
      const int64_t row = indices[i];
      const char* from = table + static_cast<size_t>(row) * bytes;
      char* to = out + static_cast<size_t>(i) * out_bytes;
      if (!scales) {
        std::memcpy(to, from, bytes);
        return;
      }
      const kernels::Affine affine{parameter_at(scales_->desc(), scales, row),
                                   parameter_at(zero_points_->desc(), zero_points, row)};
      kernels::RowConversion::affine(table_.desc().dtype, affine, DType::f32, {}, {0, 0})(from, to, width);
    });
  }
  std::string implementation() const override { return "octavo:embedding"; }
  size_t scratchpad_bytes() const override { return scratch_.bytes(); }

 private:
  void read_parameters(const StepSpec& spec) {
    const auto& table = table_.desc();
    if (table.dtype != DType::u8 && table.dtype != DType::s8)
      throw std::invalid_argument("a table with scales must be uint8 or int8, got " + table.to_string());
    scales_.emplace(spec, 2, "scales");
    zero_points_.emplace(spec, 3, "zero points");
    check_parameters(scales_->desc(), table.shape[0], "scales");
    check_parameters(zero_points_->desc(), table.shape[0], "zero points");
  }

  ScratchLayout scratch_;
  InputValue table_;
  IndexList indices_;
  std::optional<InputValue> scales_, zero_points_;
  TensorDesc output_;
  std::string name_;
};
}  // namespace

std::unique_ptr<Step> create_embedding(const StepSpec& spec) { return std::make_unique<Embedding>(spec); }

}  // namespace octavo
