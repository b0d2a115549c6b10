// Memory descriptions as text, for look-up and for files.
#pragma once

#include <string>

#include "onednn/api.h"

namespace octavo::onednn {

// Equal for equal descriptions and for no others. Ends with ';'.
std::string identity(const dnnl::memory::desc& desc);
// Whether the text is the same in every process with this oneDNN.
bool is_lasting(const std::string& identity);

}  // namespace octavo::onednn
