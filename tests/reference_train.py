"""Makes tests/golden/train/recipe.safetensors: the training recipe as PyTorch computes it, in float64.

    python -m pip install torch safetensors numpy
    python tests/reference_train.py

Written from the papers and from PyTorch's own modules, not from src/train. float64, because a bias before a
batch norm has no gradient but rounding, which AdamW blows up to a step.
"""

import math
from pathlib import Path

import numpy
import torch
from safetensors.numpy import save_file
from torch import nn

D, WIDTH, LAYERS = 24, 16, 3
ROWS, GENERATED, BATCHES, STEPS = 32, 14, 5, 20
ALPHA, GAMMA, ETA, POWER, RHO = 0.8, 0.5, 0.6, 2, 0.05
RATE, DECAY = 1e-3, 0.01

torch.manual_seed(2404)
torch.set_default_dtype(torch.float64)


def network():
    layers, inputs = [], D
    for _ in range(LAYERS):
        linear = nn.Linear(inputs, WIDTH)
        nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.BatchNorm1d(WIDTH), nn.LeakyReLU(0.01)]
        inputs = WIDTH
    output = nn.Linear(inputs, 1)
    nn.init.kaiming_normal_(output.weight, nonlinearity="relu")
    nn.init.zeros_(output.bias)
    return nn.Sequential(*layers, output)


def cvar(losses, weights, alpha):
    """The primal form at its minimiser, an order statistic that stays in the graph."""
    order = torch.argsort(losses, descending=True)
    mass = torch.cumsum(weights[order], 0)
    worst = order[int((mass < alpha * weights.sum()).sum())]
    level = losses[worst]
    return level + (weights * torch.relu(losses - level)).sum() / (alpha * weights.sum())


def loss(logits, targets, weights):
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    positive, negative = targets == 1, targets == 0
    gaps = logits[positive][:, None] - logits[negative][None, :]
    pairs = weights[positive][:, None] * weights[negative][None, :]
    ranking = (pairs * torch.relu(ETA - gaps) ** POWER).sum() / pairs.sum()
    return GAMMA * cvar(entropy, weights, ALPHA) + (1 - GAMMA) * ranking


def gradients(model, features, targets, weights):
    """Both passes of SAM; leaves the second gradient in .grad and the parameters where they were."""
    model.zero_grad()
    value = loss(model(features)[:, 0], targets, weights)
    value.backward()
    parameters = list(model.parameters())
    first = [parameter.grad.clone() for parameter in parameters]
    norm = torch.stack([gradient.norm() for gradient in first]).norm()
    before = [parameter.detach().clone() for parameter in parameters]
    momenta = {}
    with torch.no_grad():
        for parameter, gradient in zip(parameters, first):
            parameter.add_(gradient * (RHO / (norm + 1e-12)))
    for module in model:
        if isinstance(module, nn.BatchNorm1d):
            momenta[module], module.momentum = module.momentum, 0.0
    model.zero_grad()
    loss(model(features)[:, 0], targets, weights).backward()
    with torch.no_grad():
        for parameter, value_before in zip(parameters, before):
            parameter.copy_(value_before)
    for module, momentum in momenta.items():
        module.momentum = momentum
    return value.detach(), first, [parameter.grad.clone() for parameter in parameters]


def name_of(key):
    """PyTorch's `3.weight` as the head's file names it: `hidden.1.linear.weight`."""
    index, part = key.split(".")
    layer, place = divmod(int(index), 3)
    return f"output.{part}" if layer == LAYERS else f"hidden.{layer}.{['linear', 'norm'][place]}.{part}"


def main():
    tensors = {}

    def put(name, value):
        tensors[name] = value.detach().to(torch.float32).numpy().copy()

    def put_state(prefix, model):
        for key, value in model.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                put(f"{prefix}.{name_of(key)}", value)

    def put_gradients(prefix, model, values):
        for (key, _), value in zip(model.named_parameters(), values):
            put(f"{prefix}.{name_of(key)}", value)

    model = network()
    targets = torch.cat([torch.ones(GENERATED), torch.zeros(ROWS - GENERATED)])
    # Rounded to float32, so that both sides read the same numbers.
    round32 = lambda value: value.to(torch.float32).to(torch.float64)
    features = round32(torch.randn(BATCHES, ROWS, D) + 0.4 * targets[None, :, None] * torch.randn(D))
    weights = round32(torch.rand(ROWS) * 2 + 0.25)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(round32(parameter))
    put("features", features)
    put("weights", weights)
    put_state("before", model)

    even = torch.ones(ROWS)
    for name, row_weights in [("even", even), ("weighted", weights)]:
        statistics = {key: value.clone() for key, value in model.state_dict().items()}
        value, first, second = gradients(model, features[0], targets, row_weights)
        model.load_state_dict(statistics)
        put(f"{name}.loss", value.reshape(1))
        put_gradients(f"{name}.first", model, first)
        put_gradients(f"{name}.second", model, second)

    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    losses = []
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / STEPS))
        losses.append(gradients(model, features[step % BATCHES], targets, even)[0])
        optimiser.step()
    put("losses", torch.stack(losses))
    put_state("after", model)
    model.eval()
    put("after.logits", model(features[0])[:, 0])

    folder = Path(__file__).parent / "golden" / "train"
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: numpy.ascontiguousarray(value) for name, value in tensors.items()}, folder / "recipe.safetensors")
    print(f"torch {torch.__version__}: {len(tensors)} tensors, losses {losses[0]:.4f} … {losses[-1]:.4f}")


if __name__ == "__main__":
    main()
