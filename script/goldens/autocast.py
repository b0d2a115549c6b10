"""Three steps of training with PyTorch 2.6, in float32 and under autocast to bfloat16 (test/training/autocast.test.ts):

    python3 script/goldens/autocast.py models/tiny_cnn.pt2 test/fixtures/training

Reads the inputs that qat.py writes. Writes the losses and the parameters afterwards.
"""

import json
import sys

import numpy
import torch
import torch.nn.functional as F
from networks import TinyCNN

torch.set_num_threads(1)


def train(model, inputs, labels, narrow):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    losses = []
    for x, label in zip(inputs, labels):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            loss = F.cross_entropy(model(x), label, label_smoothing=0.1)
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    parameters = {name: [round(value, 7) for value in each.flatten().tolist()] for name, each in model.named_parameters()}
    return {"losses": losses, "parameters": parameters}


def main(program, folder):
    data = numpy.load(f"{folder}/qat_inputs.npz")
    inputs = [torch.from_numpy(data[name]) for name in data.files][:3]
    with open(f"{folder}/qat.json") as file:
        labels = [torch.tensor(step["labels"]) for step in json.load(file)["steps"]]
    trained = {}
    for name, narrow in [("float32", False), ("bfloat16", True)]:
        model = TinyCNN()
        model.load_state_dict(torch.export.load(program).state_dict, strict=False)
        trained[name] = train(model.train(), inputs, labels, narrow)
    with open(f"{folder}/autocast.json", "w") as file:
        json.dump(trained, file)


main(*sys.argv[1:])
