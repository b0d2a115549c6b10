"""Which layers in and around PyTorch's transformer modules its quantizer finds: test/fixtures/quantization/attention-*.

    python3 script/goldens/attention.py

Needs PyTorch 2.6 (Debian 13: python3-torch), or PyTorch 2.14 and torchao: each writes its own recipe's files. RECIPE.pt2
and RECIPE-nonstrict.pt2 are the model as exported strictly and not, RECIPE.json the annotated nodes of both, each with
the inputs that are observed. PyTorch 2.6 annotates nothing in exports that are not strict, so it writes none.
"""

import json
from pathlib import Path

import torch
from torch import nn

try:
    from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e
    from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

    RECIPE = "torchao"
except ImportError:
    from torch.ao.quantization.quantize_pt2e import prepare_pt2e
    from torch.ao.quantization.quantizer import x86_inductor_quantizer as x86

    RECIPE = "pytorch-2.6"

folder = Path(__file__).parents[2] / "test/fixtures/quantization"


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(8, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        x = self.embed(x)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.head(self.encoder(x)) + x[..., :4]


def annotated(program):
    quantizer = x86.X86InductorQuantizer()
    quantizer.set_global(x86.get_default_x86_inductor_quantization_config())
    module = program.module()
    prepare_pt2e(module, quantizer)
    notes = {node.name: node.meta.get("quantization_annotation") for node in module.graph.nodes}
    return {
        name: [str(node) for node, spec in note.input_qspec_map.items() if spec is not None]
        for name, note in notes.items()
        if note is not None
    }


torch.manual_seed(0)
model, x = Model().eval(), torch.randn(2, 5, 8)
expected = {}
for kind in ["strict", "nonstrict"] if RECIPE == "torchao" else ["strict"]:
    program = torch.export.export(model, (x,), strict=kind == "strict")
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # most of the file, and paths of this machine
    torch.export.save(program, folder / f"attention-{RECIPE}-{kind}.pt2")
    expected[kind] = annotated(program)
(folder / f"attention-{RECIPE}.json").write_text(json.dumps(expected, indent=1) + "\n")
