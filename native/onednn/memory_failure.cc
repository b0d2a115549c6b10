#include "onednn/memory_failure.h"

#include "onednn/api.h"

namespace octavo::onednn {

bool is_memory_failure(const std::exception& error) {
  const auto* refused = dynamic_cast<const dnnl::error*>(&error);
  return refused && refused->status == dnnl_out_of_memory;
}

}  // namespace octavo::onednn
