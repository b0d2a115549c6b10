// Memory descriptions as text, to look up by and to keep in files.
#pragma once

#include <string>

#include "onednn/api.h"

namespace octavo::onednn {

// The same text for equal descriptions and for no others. It ends with the only ';' in it.
std::string identity(const dnnl::memory::desc& desc);
// Whether identity_here() makes anything of it in another process with the same oneDNN.
bool is_lasting(const std::string& identity);
// What identity() gives here for the description that it gave `written` for in another process. Any other
// text: one that it gives for nothing.
std::string identity_here(const std::string& written);

}  // namespace octavo::onednn
