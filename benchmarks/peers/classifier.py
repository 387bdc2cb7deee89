"""A classifier in PyTorch with the layers, batches and updates of rlgen's `mlp` or `cnn`: one JSON line.

Examples are in memory; each epoch is a new permutation, picked from by index, as the quickest loops do.
"""

import argparse
import json
import time

import torch
from torch import nn
from torch.nn import functional

EXAMPLES = {"mlp": (1197, (64,)), "cnn": (10_000, (1, 28, 28))}
WARM_UP = 20


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn() -> nn.Module:
    first = [nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(7 * 7 * 64, 128), nn.ReLU(), nn.Linear(128, 10))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=EXAMPLES, required=True)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    count, shape = EXAMPLES[args.model]
    form = torch.channels_last if args.channels_last else torch.contiguous_format
    x, y = torch.rand(count, *shape), torch.randint(0, 10, (count,))
    net = {"mlp": mlp, "cnn": cnn}[args.model]().to(memory_format=form)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    run = torch.compile(net) if args.compile else net
    order, place, start = torch.randperm(count), 0, 0.0
    for update in range(WARM_UP + args.updates):
        if update == WARM_UP:
            start = time.perf_counter()
        if place + args.batch_size > count:
            order, place = torch.randperm(count), 0
        rows = order[place : place + args.batch_size]
        place += args.batch_size
        examples = x[rows].contiguous(memory_format=form) if args.model == "cnn" else x[rows]
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bfloat16):
            loss = functional.cross_entropy(run(examples).float(), y[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    seconds = time.perf_counter() - start
    row = {**vars(args), "version": torch.__version__, "seconds": round(seconds, 3)}
    print(json.dumps({**row, "updates_per_second": round(args.updates / seconds, 1)}))


if __name__ == "__main__":
    main()
