"""The same training step in PyTorch, as JSON: the other side of `safelight bench-training`.

    python tests/bench/train_torch.py --batch 2048 --device cpu
"""

import argparse
import json
import time

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--device", default="cpu")
parser.add_argument("--dimension", type=int, default=1536)
parser.add_argument("--width", type=int, default=1536)
parser.add_argument("--batch", type=int, default=2048)
parser.add_argument("--steps", type=int, default=5)
parser.add_argument("--threads", type=int, default=0, help="0: PyTorch's own choice")
arguments = parser.parse_args()
if arguments.threads:
    torch.set_num_threads(arguments.threads)

device = torch.device(arguments.device)
width = arguments.width
layers = []
for index in range(3):
    layers += [
        nn.Linear(arguments.dimension if index == 0 else width, width),
        nn.BatchNorm1d(width),
        nn.LeakyReLU(0.01),
        nn.Dropout(0.335),
    ]
model = nn.Sequential(*layers, nn.Linear(width, 1)).to(device)
parameters = list(model.parameters())
optimiser = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01)
features = torch.randn(arguments.batch, arguments.dimension, device=device)
half = arguments.batch // 2
targets = torch.cat([torch.ones(half), torch.zeros(arguments.batch - half)]).to(device)


def loss():
    logits = model(features)[:, 0]
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    # Mean of the worst 80 %; the row that is filled in part makes no difference to speed.
    cvar = entropy.topk(int(0.8 * arguments.batch)).values.mean()
    ranking = torch.relu(0.6 - (logits[:half, None] - logits[None, half:])).square().mean()
    return 0.5 * cvar + 0.5 * ranking


def step():
    optimiser.zero_grad()
    loss().backward()
    with torch.no_grad():
        before = [parameter.clone() for parameter in parameters]
        norm = torch.stack([parameter.grad.norm() for parameter in parameters]).norm()
        for parameter in parameters:
            parameter.add_(parameter.grad * (0.05 / (norm + 1e-12)))
    optimiser.zero_grad()
    loss().backward()
    with torch.no_grad():
        for parameter, value in zip(parameters, before):
            parameter.copy_(value)
    optimiser.step()
    if device.type == "cuda":
        torch.cuda.synchronize()


ms = []
for _ in range(arguments.steps + 1):
    start = time.perf_counter()
    step()
    ms.append((time.perf_counter() - start) * 1e3)
threads = torch.get_num_threads()
print(json.dumps({"where": f"PyTorch {torch.__version__}, {threads} threads", "ms": ms[1:]}))
