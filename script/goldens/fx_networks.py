"""The networks of script/goldens/fx.py; test/fx/networks.ts has the same ones."""

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.c1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.b1 = nn.BatchNorm2d(outputs)
        self.c2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.b2 = nn.BatchNorm2d(outputs)
        self.down = None
        if stride != 1 or inputs != outputs:
            self.down = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.b2(self.c2(F.relu(self.b1(self.c1(x)))))
        return F.relu(y + (x if self.down is None else self.down(x)))


class GlyphResNet(nn.Module):
    """The network of models/glyph_resnet.pt2."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn = nn.BatchNorm2d(16)
        self.pool = nn.MaxPool2d(2)
        self.l1 = nn.Sequential(Block(16, 16, 1), Block(16, 32, 2))
        self.l2 = nn.Sequential(Block(32, 32, 1), Block(32, 64, 2))
        self.fc = nn.Linear(64, 36)

    def forward(self, x):
        x = self.l2(self.l1(self.pool(F.relu(self.bn(self.stem(x))))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride, expand, act):
        super().__init__()
        hidden = inputs * expand
        self.residual = stride == 1 and inputs == outputs
        self.f = nn.Sequential(
            *[nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), act()],
            *[nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False), nn.BatchNorm2d(hidden), act()],
            *[nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)],
        )

    def forward(self, x):
        y = self.f(x)
        return x + y if self.residual else y


class GlyphMobileNet(nn.Module):
    """The network of models/glyph_mobilenet.pt2."""

    def __init__(self):
        super().__init__()
        hs, r6 = nn.Hardswish, nn.ReLU6
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), hs())
        self.body = nn.Sequential(
            *[Inverted(16, 16, 1, 3, r6), Inverted(16, 24, 2, 4, r6), Inverted(24, 24, 1, 4, r6)],
            *[Inverted(24, 40, 2, 4, hs), Inverted(40, 40, 1, 4, hs)],
        )
        self.head = nn.Sequential(nn.Conv2d(40, 160, 1, bias=False), nn.BatchNorm2d(160), hs())
        self.fc = nn.Linear(160, 36)

    def forward(self, x):
        x = self.head(self.body(self.stem(x)))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Mixed(nn.Module):
    """Fused and functional ReLUs, a layer that is called twice, sums with tensors and numbers, concatenation, pooling, known ranges."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(8, 8, 1)
        self.shared = nn.Conv2d(8, 8, 1)
        self.hardswish = nn.Hardswish()
        self.pool = nn.MaxPool2d(2)
        self.avgpool = nn.AvgPool2d(2)
        self.sigmoid = nn.Sigmoid()
        self.tanh = nn.Tanh()
        self.bn = nn.BatchNorm2d(24)
        self.fc1 = nn.Linear(24, 16)
        self.fc2 = nn.Linear(16, 5)

    def forward(self, x):
        a = self.relu(self.conv1(x))
        b = self.hardswish(self.conv2(a))
        c, d = self.pool(a), self.avgpool(b)
        e = self.shared(c) + self.sigmoid(self.shared(d)) * d
        f = self.bn(torch.cat([c, d, F.relu(e + 0.5)], 1))
        g = self.tanh(self.fc1(f.mean([2, 3])) * 0.5)
        return self.fc2(F.relu(g))


class Attention(nn.Module):
    """Layer norm, products of tensors, softmax, and operators that move elements."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(16)
        self.query = nn.Linear(16, 16)
        self.key = nn.Linear(16, 16)
        self.value = nn.Linear(16, 16)
        self.softmax = nn.Softmax(-1)
        self.out = nn.Linear(16, 16)
        self.weight = nn.Parameter(torch.empty(4, 16).uniform_(-0.5, 0.5))

    def forward(self, x):
        y = self.norm(x)
        q, k, v = (each.view(-1, 6, 2, 8).transpose(1, 2) for each in (self.query(y), self.key(y), self.value(y)))
        p = self.softmax(torch.matmul(q, k.transpose(-2, -1)) * 0.35)
        z = self.out(torch.matmul(p, v).permute(0, 2, 1, 3).reshape(-1, 6, 16)) + x
        return F.linear(torch.relu(z.reshape(-1, 16)), self.weight)


class Reshaped(nn.Module):
    """Reshapes of what nothing observes: of the input, and of the result of a function that is in no pattern."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(16, 16)
        self.fc2 = nn.Linear(16, 5)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x.reshape(-1, 16))).reshape(-1, 2, 16))


class Words(nn.Module):
    """A table, a recurrent layer and linear ones, as for dynamic quantization."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(20, 12)
        self.lstm = nn.LSTM(12, 10, batch_first=True)
        self.fc1 = nn.Linear(10, 14)
        self.fc2 = nn.Linear(14, 6)

    def forward(self, tokens):
        states, _ = self.lstm(self.table(tokens))
        return self.fc2(F.relu(self.fc1(states)))
