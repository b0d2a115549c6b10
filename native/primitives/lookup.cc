// Any function of one 8-bit integer, as a table of its 256 values.
#include "kernels/lookup.h"

#include <stdexcept>

#include "primitives/input_value.h"
#include "primitives/strided.h"
#include "primitives/table.h"

namespace octavo {

namespace {
using kernels::RowConversion;

class Lookup : public Step {
 public:
  explicit Lookup(const StepSpec& spec)
      : x_(spec, 0, "the tensor"),
        table_(spec, 1, "the table"),
        conversion_(x_.desc(), spec.outputs.at(0), conversion(nullptr)) {
    const auto& table = table_.desc();
    if (table.shape != Dims{256} || table.strides != Dims{1} || table.dtype != spec.outputs[0].dtype)
      throw std::invalid_argument("the table must hold 256 contiguous values of the output's dtype, got " +
                                  table.to_string());
  }

  void execute(const Buffers& buffers) override {
    conversion_.execute(x_.data(buffers), buffers.outputs[0],
                        conversion(static_cast<const uint8_t*>(table_.data(buffers))));
  }
  std::string implementation() const override { return kernels::lookup_implementation(); }

 private:
  RowConversion conversion(const uint8_t* table) const {
    return RowConversion::lookup(x_.desc().dtype, table_.desc().dtype, table);
  }

  InputValue x_, table_;
  StridedConversion conversion_;
};
}  // namespace

std::unique_ptr<Step> create_lookup(const StepSpec& spec) { return std::make_unique<Lookup>(spec); }

}  // namespace octavo
