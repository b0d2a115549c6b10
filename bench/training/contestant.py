"""PyTorch's eager mode in the race of bench/training/race.ts: one line on stdin, `NETWORK BATCH THREADS LAYOUT`, then a number of
steps a line. Answers with `ready`, then with milliseconds a step and the process' resident MiB.
"""

import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Basic(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.down = None
        if stride != 1 or inputs != outputs:
            self.down = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.down is None else self.down(x)))


class GlyphResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.body = nn.Sequential(Basic(16, 16, 1), Basic(16, 32, 2), Basic(32, 32, 1), Basic(32, 64, 2))
        self.fc = nn.Linear(64, 36)

    def forward(self, x):
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(self.body(self.stem(x)), 1), 1))


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride, expand, activation):
        super().__init__()
        hidden = inputs * expand
        self.residual = stride == 1 and inputs == outputs
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            activation(),
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            activation(),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x):
        y = self.layers(x)
        return x + y if self.residual else y


class GlyphMobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1, bias=False),
            nn.BatchNorm2d(16),
            nn.Hardswish(),
            Inverted(16, 16, 1, 3, nn.ReLU6),
            Inverted(16, 24, 2, 4, nn.ReLU6),
            Inverted(24, 24, 1, 4, nn.ReLU6),
            Inverted(24, 40, 2, 4, nn.Hardswish),
            Inverted(40, 40, 1, 4, nn.Hardswish),
            nn.Conv2d(40, 160, 1, bias=False),
            nn.BatchNorm2d(160),
            nn.Hardswish(),
        )
        self.fc = nn.Linear(160, 36)

    def forward(self, x):
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(self.layers(x), 1), 1))


def resnet18():
    import torchvision

    return torchvision.models.resnet18()


NETWORKS = {"glyph_resnet": GlyphResNet, "glyph_mobilenet": GlyphMobileNet, "resnet18": resnet18}


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20


def main():
    name, batch, threads, layout = sys.stdin.readline().split()
    torch.set_num_threads(int(threads))
    memory = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    network = NETWORKS[name]().train().to(memory_format=memory)
    size, classes = (224, 1000) if name == "resnet18" else (32, 36)
    x = torch.randn(int(batch), 3, size, size).to(memory_format=memory)
    labels = torch.arange(int(batch)) % classes
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)

    def step():
        optimizer.zero_grad()
        F.cross_entropy(network(x), labels).backward()
        optimizer.step()

    step()
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        print((time.perf_counter() - start) * 1000 / int(line), resident(), flush=True)


main()
