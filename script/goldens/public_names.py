"""The public names of quantization in PyTorch 2.6 and torchao: writes test/fixtures/quantization/public-names.json, which
docs/pytorch-names.md has to have an answer for.

    python3 script/goldens/public_names.py test/fixtures/quantization TORCHAO

Needs PyTorch 2.6 (Debian 13: python3-torch). TORCHAO is the folder of torchao 0.19's sources, which are read, not run.
"""

import ast
import importlib
import json
import sys
from pathlib import Path

MODULES = [
    "torch.ao.quantization.quantize_fx",
    "torch.ao.quantization.qconfig_mapping",
    "torch.ao.quantization.qconfig",
    "torch.ao.quantization.backend_config",
    "torch.ao.quantization.fx.custom_config",
    "torch.ao.quantization.observer",
    "torch.ao.quantization.fake_quantize",
    "torch.ao.quantization.quantizer",
    "torch.ao.quantization.quantize_pt2e",
    "torch.ao.ns._numeric_suite_fx",
    "torch.ao.ns._numeric_suite",
    "torch.ao.quantization.quantize",
    "torch.ao.quantization.stubs",
    "torch.ao.quantization.fuse_modules",
    "torch.ao.quantization.quantization_mappings",
    "torch.ao.nn.intrinsic",
    "torch.ao.nn.intrinsic.quantized",
    "torch.ao.nn.intrinsic.qat.modules",
    "torch.ao.nn.qat.modules",
    "torch.ao.nn.quantized",
    "torch.ao.nn.quantized.dynamic.modules",
    "torch.ao.nn.quantizable.modules",
]
TORCHAO = {"torchao.quantization.pt2e": "torchao/quantization/pt2e/__init__.py"}


def names_of(module):
    loaded = importlib.import_module(module)
    public = getattr(loaded, "__all__", None)
    if public is None:
        public = [
            name
            for name, value in vars(loaded).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == module
        ]
    return sorted(public)


def listed_in(file):
    for statement in ast.parse(file.read_text()).body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", None) == "__all__":
            return sorted(ast.literal_eval(statement.value))
    raise ValueError(f"{file} has no __all__")


def main(folder, torchao):
    names = {module: names_of(module) for module in MODULES}
    names |= {module: listed_in(torchao / path) for module, path in TORCHAO.items()}
    (folder / "public-names.json").write_text(json.dumps(names, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
