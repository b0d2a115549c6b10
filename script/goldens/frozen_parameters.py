"""Training of an exported program of which some parameters have no requires_grad, and whose batch norm is called twice (two steps with
PyTorch 2.6, for test/training/loaded-programs.test.ts):

    python3 script/goldens/frozen_parameters.py test/fixtures/training

Writes frozen_parameters.pt2, and frozen_parameters.json: the batch, what every step found, and the state afterwards.
"""

import json
import sys

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 1)
        self.bn = nn.BatchNorm2d(2)
        self.fc = nn.Linear(2, 3)

    def forward(self, x):
        y = torch.relu(self.bn(self.conv(x)))
        y = torch.relu(self.bn(self.conv(y)))
        return self.fc(y.mean((2, 3)))


def main(folder):
    torch.manual_seed(0)
    model = Twice().train()
    model.conv.requires_grad_(False)
    model.fc.bias.requires_grad_(False)
    x, labels = torch.randn(4, 2, 3, 3), torch.tensor([0, 1, 2, 0])
    program = torch.export.export_for_training(model, (x,))
    torch.export.save(program, f"{folder}/frozen_parameters.pt2")
    loaded = torch.export.load(f"{folder}/frozen_parameters.pt2").module()
    optimizer = torch.optim.SGD(loaded.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    losses = []
    for _ in range(2):
        optimizer.zero_grad()
        loss = F.cross_entropy(loaded(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    state = {path: tensor.flatten().tolist() for path, tensor in loaded.state_dict().items()}
    trained = [path for path, parameter in loaded.named_parameters() if parameter.requires_grad]
    golden = {"x": x.flatten().tolist(), "labels": labels.tolist(), "losses": losses, "trained": trained, "state": state}
    with open(f"{folder}/frozen_parameters.json", "w") as file:
        json.dump(golden, file)


main(*sys.argv[1:])
