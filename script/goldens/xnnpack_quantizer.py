"""What PyTorch 2.6's XNNPACKQuantizer asks for in one small model: writes xnnpack_quantizer.json.

    python3 script/goldens/xnnpack_quantizer.py test/fixtures/quantization

Needs PyTorch 2.6 on the CPU (Debian 13: python3-torch). xnnpack_quantizer.json holds the prepared graph and, observer by
observer, the first one that is the same object: observers of a sharing group are one.
"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torch.ao.quantization.quantize_pt2e import prepare_pt2e
from torch.ao.quantization.quantizer.xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(8, 8)
        self.fc2 = nn.Linear(8, 4)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = F.relu(self.conv2(x) + x)
        x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)
        return self.fc2(F.relu(self.fc1(x)))


model = torch.export.export_for_training(Model().eval(), (torch.randn(1, 3, 8, 8),)).module()
quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
prepared = prepare_pt2e(model, quantizer)
names = sorted(
    (n.target for n in prepared.graph.nodes if n.op == "call_module"), key=lambda name: int(name.rsplit("_", 1)[1])
)
observers = {name: getattr(prepared, name) for name in names}
same = {name: next(other for other in names if observers[other] is observers[name]) for name in names}
Path(sys.argv[1], "xnnpack_quantizer.json").write_text(json.dumps({"prepared": str(prepared.graph), "same": same}, indent=1))
