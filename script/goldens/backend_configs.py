"""The patterns of PyTorch 2.6's BackendConfigs for x86: writes test/fixtures/fx/backend-configs.json.

    python3 script/goldens/backend_configs.py test/fixtures/fx

Needs PyTorch 2.6 (Debian 13: python3-torch). A pattern is its operators in the order in which they run, by name. Patterns of modules that
PyTorch puts in place of others (`torch.ao.nn`) are left out. Beside it stand its observation types, by number, where the first operator has
one tensor and where it has two, and its dtypes: of input, output, weight and bias, whether it is dynamic, and the output's fixed scale and
zero point. Of the x86 and fbgemm configurations there are the patterns alone.
"""

import json
import operator
import sys
from pathlib import Path

import torch
import torch.ao.quantization.quantize_fx  # Without which its backend configurations do not load.
import torch.nn.functional as F
from torch.ao.quantization.backend_config.fbgemm import get_fbgemm_backend_config
from torch.ao.quantization.backend_config.native import get_native_backend_config
from torch.ao.quantization.backend_config.x86 import get_x86_backend_config

PLACES = {"torch.nn": torch.nn, "torch.nn.functional": F, "torch._C._nn": torch._C._nn, "torch": torch, "operator": operator}


def name_of(op):
    if isinstance(op, str):
        return op
    for place, module in PLACES.items():
        for name, value in vars(module).items():
            if value is op:
                return f"{place}.{name}"
    return None


def described(config):
    pattern = config.pattern if isinstance(config.pattern, tuple) else (config.pattern,)
    names = [name_of(op) for op in pattern]
    if None in names:
        return None
    dtypes = []
    for c in config.dtype_configs:
        known = c.output_dtype_with_constraints
        kinds = [c.input_dtype, c.output_dtype, c.weight_dtype, c.bias_dtype, c.is_dynamic or None]
        dtypes.append([None if k is None else str(k) for k in kinds] + [known.scale_exact_match, known.zero_point_exact_match])
    observed = [config._num_tensor_args_to_observation_type.get(n, config.observation_type).value for n in (1, 2)]
    return [names, observed, dtypes]


def main(folder):
    native, x86, fbgemm = (
        [d for d in map(described, config.configs) if d]
        for config in (get_native_backend_config(), get_x86_backend_config(), get_fbgemm_backend_config())
    )
    listed = {"native": native, "x86": [d[0] for d in x86], "fbgemm": [d[0] for d in fbgemm]}
    (folder / "backend-configs.json").write_text(json.dumps(listed) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
