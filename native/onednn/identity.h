// Memory descriptions as text, to look up by and to keep in files.
#pragma once

#include <string>

#include "onednn/api.h"

namespace octavo::onednn {

// The same text for equal descriptions and for no others, ending with ';'.
std::string identity(const dnnl::memory::desc& desc);
// Whether it is the same in every process with this oneDNN.
bool is_lasting(const std::string& identity);

}  // namespace octavo::onednn
