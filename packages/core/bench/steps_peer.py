"""Products and training steps in PyTorch, once for each line it reads; the benches beside it time the answers.

steps_peer.py <threads> <smoke: 0 or 1>
"""

import json
import sys

import torch
from torch import nn
from torch.nn import functional as F

threads, smoke = int(sys.argv[1]), sys.argv[2] == "1"
torch.set_num_threads(threads)
torch.manual_seed(7)


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10),
    )  # fmt: skip


def mlp():
    widths = [784, 500, 500, 500, 500]
    hidden = [layer for a, b in zip(widths, widths[1:]) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(500, 10))


class Block(nn.Module):
    def __init__(self, before, after):
        super().__init__()
        self.stride = 1 if before == after else 2
        self.added = after - before
        self.first = nn.Conv2d(before, after, 3, self.stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)

    def forward(self, x):
        y = F.relu(self.norm1(self.first(x)))
        y = self.norm2(self.second(y))
        if self.added:
            before = self.added // 2
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, before, self.added - before))
        return F.relu(x + y)


def resnet20():
    widths = [16] + [16] * 3 + [32] * 3 + [64] * 3
    blocks = [Block(a, b) for a, b in zip(widths, widths[1:])]
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def training(model, batch, *shape):
    batch = 4 if smoke else batch
    x, y = torch.rand(batch, *shape), torch.arange(batch) % 10
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def gemm(n):
    a, b = torch.rand(n, n), torch.rand(n, n)
    return lambda: a @ b


prepare = {
    "gemm": lambda: gemm(128 if smoke else 1024),
    "cnn": lambda: training(cnn(), 128, 1, 28, 28),
    "mlp": lambda: training(mlp(), 256, 1, 28, 28),
    "resnet20": lambda: training(resnet20(), 64, 3, 32, 32),
}
ready = {}
print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    name = line.strip()
    if name not in ready:
        ready[name] = prepare[name]()
    ready[name]()
    print("done", flush=True)
