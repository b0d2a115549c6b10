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
// Only comparing sees everything in every version: queries leave out the compensation that packed weights
// carry. So the descriptions that have no text of their own are kept with one, equal ones with the same; a
// process meets few.
struct Known {
  dnnl::memory::desc desc;
  std::string text;
};

constexpr char kOfThisProcess = '#';

// The text that is kept with an equal description, or `given`, or a number, which is kept from now on.
std::string known_text(const dnnl::memory::desc& desc, const std::optional<std::string>& given) {
  static std::mutex mutex;
  // Never destroyed: worker threads may still run while the process unloads its statics.
  static auto& known = *new std::vector<Known>;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto found =
      std::find_if(known.begin(), known.end(), [&](const Known& other) { return other.desc == desc; });
  if (found != known.end()) return found->text;
  known.push_back({desc, given ? *given : kOfThisProcess + std::to_string(known.size()) + ";"});
  return known.back().text;
}

#if !OCTAVO_ONEDNN_3
// 2.x has a plain struct. Of its formats, those for recurrent layers and Winograd have fields of their own.
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
#define OCTAVO_ONEDNN_BLOBS 1
// From 3.4 on there are its bytes, among them some that mean nothing and may be anything: equal descriptions
// have equal texts only because the first one's is kept.
size_t blob_bytes() {
  static const size_t bytes = [] {
    size_t size = 0;
    dnnl_memory_desc_get_blob(nullptr, &size, dnnl::memory::desc().get());
    return size;
  }();
  return bytes;
}

// Most of the bytes are 0: words in hexadecimal, each followed by a comma.
std::string blob_of(const dnnl::memory::desc& desc) {
  size_t size = blob_bytes();
  std::vector<uint64_t> words((size + sizeof(uint64_t) - 1) / sizeof(uint64_t));
  dnnl::error::wrap_c_api(
      dnnl_memory_desc_get_blob(reinterpret_cast<uint8_t*>(words.data()), &size, desc.get()),
      "could not read a memory descriptor");
  std::ostringstream text;
  text << std::hex;
  for (const uint64_t word : words) {
    if (word != 0) text << word;
    text << ',';
  }
  text << ';';
  return text.str();
}

// Only what can be compared without reading behind its arrays. It may come from a file that anybody wrote.
std::optional<dnnl::memory::desc> from_blob(const std::string& text) {
  std::vector<uint64_t> words;
  uint64_t word = 0;
  size_t digits = 0;
  for (const char c : text) {
    if (c == ';') break;
    if (c == ',') {
      words.push_back(word);
      word = digits = 0;
      continue;
    }
    const bool is_digit = c >= '0' && c <= '9';
    if ((!is_digit && (c < 'a' || c > 'f')) || ++digits > 2 * sizeof word) return std::nullopt;
    word = word << 4 | static_cast<uint64_t>(is_digit ? c - '0' : c - 'a' + 10);
  }
  if (words.size() != (blob_bytes() + sizeof word - 1) / sizeof word) return std::nullopt;
  dnnl_memory_desc_t created = nullptr;
  if (dnnl_memory_desc_create_with_blob(&created, reinterpret_cast<const uint8_t*>(words.data())) !=
      dnnl_success)
    return std::nullopt;
  const dnnl::memory::desc desc(created);
  if (desc.get_format_kind() != dnnl::memory::format_kind::blocked) return std::nullopt;
  const auto fits = [](int count) { return count >= 0 && count <= DNNL_MAX_NDIMS; };
  if (!fits(desc.get_ndims()) || !fits(desc.get_inner_nblks())) return std::nullopt;
  return desc;
}
#endif
}  // namespace

std::string identity(const dnnl::memory::desc& desc) {
#if !OCTAVO_ONEDNN_3
  if (auto text = fields_of(desc)) return *text;
  return known_text(desc, std::nullopt);
#elif OCTAVO_ONEDNN_BLOBS
  const bool is_blocked = desc.get_format_kind() == dnnl::memory::format_kind::blocked;
  return known_text(desc, is_blocked ? std::optional(blob_of(desc)) : std::nullopt);
#else
  return known_text(desc, std::nullopt);
#endif
}

bool is_lasting(const std::string& identity) { return identity[0] != kOfThisProcess; }

std::string identity_here(const std::string& written) {
  if (!is_lasting(written)) return ";";
#if OCTAVO_ONEDNN_BLOBS
  if (const auto desc = from_blob(written)) return known_text(*desc, written);
#endif
  return written;
}

}  // namespace octavo::onednn
