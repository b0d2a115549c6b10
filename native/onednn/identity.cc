#include "onednn/identity.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <sstream>
#include <vector>

namespace octavo::onednn {

namespace {
constexpr char kOfThisProcess = '#';

// For descriptions whose contents cannot be read: equal ones have the same number. A process uses few.
std::string number_of(const dnnl::memory::desc& desc) {
  static std::mutex mutex;
  // Never destroyed: worker threads may still run while the process destroys its statics.
  static auto& known = *new std::vector<dnnl::memory::desc>;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found = std::find(known.begin(), known.end(), desc);
  const auto number = found - known.begin();
  if (found == known.end()) known.push_back(desc);
  return kOfThisProcess + std::to_string(number) + ";";
}

#if !OCTAVO_ONEDNN_3
// 2.x has a plain struct. Its formats for recurrent layers and Winograd have additional fields.
std::optional<std::string> fields_of(const dnnl::memory::desc& desc) {
  const dnnl_memory_desc_t& md = desc.data;
  if (md.format_kind != dnnl_blocked) return std::nullopt;
  const auto& blocks = md.format_desc.blocking;
  std::ostringstream text;
  const auto list = [&](const dnnl_dim_t* values, int count) {
    text << '[';
    for (int i = 0; i < count; i++) text << (i > 0 ? "," : "") << values[i];
    text << ']';
  };
  text << md.data_type;
  list(md.dims, md.ndims);
  list(md.padded_dims, md.ndims);
  list(md.padded_offsets, md.ndims);
  list(blocks.strides, md.ndims);
  list(blocks.inner_blks, blocks.inner_nblks);
  list(blocks.inner_idxs, blocks.inner_nblks);
  uint32_t scale_adjust;
  std::memcpy(&scale_adjust, &md.extra.scale_adjust, sizeof scale_adjust);
  text << md.offset0 << ',' << md.extra.flags << ',' << md.extra.compensation_mask << ',' << scale_adjust
       << ',' << md.extra.asymm_compensation_mask << ';';
  return text.str();
}
#elif DNNL_VERSION_MAJOR > 3 || DNNL_VERSION_MINOR >= 4
// Queries do not return the compensation of packed weights, but from 3.4 on all bytes of a description are
// accessible. Bytes between fields, or in unused fields, may have any value: a half word counts as 0 if the
// description stays equal to itself without it.
std::optional<std::string> fields_of(const dnnl::memory::desc& desc) {
  if (desc.get_format_kind() != dnnl::memory::format_kind::blocked) return std::nullopt;
  size_t size = 0;
  dnnl::error::wrap_c_api(dnnl_memory_desc_get_blob(nullptr, &size, desc.get()),
                          "could not measure a memory descriptor");
  std::vector<uint32_t> halves((size + sizeof(uint32_t) - 1) / sizeof(uint32_t));
  auto* const blob = reinterpret_cast<uint8_t*>(halves.data());
  dnnl::error::wrap_c_api(dnnl_memory_desc_get_blob(blob, &size, desc.get()),
                          "could not read a memory descriptor");
  const auto stays_equal = [&] {
    dnnl_memory_desc_t changed = nullptr;
    if (dnnl_memory_desc_create_with_blob(&changed, blob) != dnnl_success) return false;
    return dnnl::memory::desc(changed) == desc;
  };
  std::ostringstream text;
  text << std::hex;
  for (auto& half : halves) {
    if (const auto value = half; value != 0) {
      half = 0;
      if (!stays_equal()) {
        half = value;
        text << value;
      }
    }
    text << ',';
  }
  text << ';';
  return text.str();
}
#else
// 3.0 to 3.3 provide neither.
std::optional<std::string> fields_of(const dnnl::memory::desc&) { return std::nullopt; }
#endif
}  // namespace

std::string identity(const dnnl::memory::desc& desc) {
  auto text = fields_of(desc);
  return text ? *text : number_of(desc);
}

bool is_lasting(const std::string& identity) { return identity[0] != kOfThisProcess; }

}  // namespace octavo::onednn
