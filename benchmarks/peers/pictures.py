"""A GAN of pictures in PyTorch, with the layers, the batches and the updates of rlgen's: one JSON line.

Examples are bytes in memory, drawn with replacement; the average of the generator is kept, as there. The clock starts
after `WARM_UP` generator updates.
"""

import argparse
import json
import time
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

WARM_UP = 3
EXAMPLES = 10_000


def normalized(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1)


def dcgan_generator() -> nn.Module:
    return nn.Sequential(
        nn.Linear(100, 7 * 7 * 128, bias=False),
        nn.Unflatten(1, (128, 7, 7)),
        normalized(128),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False),
        normalized(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 1, 4, 2, 1),
        nn.Tanh(),
    )


def dcgan_discriminator(*, batch_norm: bool = True) -> nn.Module:
    middle = [nn.Conv2d(64, 128, 4, 2, 1, bias=not batch_norm), *([normalized(128)] if batch_norm else [])]
    first = [nn.Conv2d(1, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*first, *middle, nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(7 * 7 * 128, 1))


def tutorial_generator() -> nn.Module:
    return nn.Sequential(
        nn.Linear(100, 7 * 7 * 256, bias=False),
        nn.BatchNorm1d(7 * 7 * 256, eps=1e-3, momentum=0.01),
        nn.LeakyReLU(0.3),
        nn.Unflatten(1, (256, 7, 7)),
        nn.ConvTranspose2d(256, 128, 5, 1, 2, bias=False),
        nn.BatchNorm2d(128, eps=1e-3, momentum=0.01),
        nn.LeakyReLU(0.3),
        nn.ConvTranspose2d(128, 64, 5, 2, 2, output_padding=1, bias=False),
        nn.BatchNorm2d(64, eps=1e-3, momentum=0.01),
        nn.LeakyReLU(0.3),
        nn.ConvTranspose2d(64, 1, 5, 2, 2, output_padding=1, bias=False),
        nn.Tanh(),
    )


def tutorial_discriminator() -> nn.Module:
    first = [nn.Conv2d(1, 64, 5, 2, 2), nn.LeakyReLU(0.3), nn.Dropout(0.3)]
    second = [nn.Conv2d(64, 128, 5, 2, 2), nn.LeakyReLU(0.3), nn.Dropout(0.3)]
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(7 * 7 * 128, 1))


NETS = {
    "dcgan": lambda: (dcgan_generator(), dcgan_discriminator()),
    "tutorial": lambda: (tutorial_generator(), tutorial_discriminator()),
    "wgan_gp": lambda: (dcgan_generator(), dcgan_discriminator(batch_norm=False)),
}


def penalty(critic: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """The gradient penalty of Gulrajani et al. (2017)."""
    alpha = torch.rand(len(real), 1, 1, 1)
    x = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return ((gradient.square().sum((1, 2, 3)) + 1e-12).sqrt() - 1).square().mean()


class Game:
    """Both nets, their optimizers, and one generator update."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        form = torch.channels_last if args.channels_last else torch.contiguous_format
        self.generator, self.discriminator = (net.to(memory_format=form) for net in NETS[args.model]())
        self.average, _ = NETS[args.model]()
        self.average.to(memory_format=form).load_state_dict(self.generator.state_dict())
        betas = (0.5, 0.9 if args.model == "wgan_gp" else 0.999)
        self.optimizers = [
            torch.optim.Adam(net.parameters(), 2e-4, betas=betas) for net in (self.generator, self.discriminator)
        ]
        self.form, self.examples = form, torch.randint(0, 256, (EXAMPLES, 1, 28, 28), dtype=torch.uint8)
        if args.compile:
            self.generator, self.discriminator = torch.compile(self.generator), torch.compile(self.discriminator)

    def real(self) -> torch.Tensor:
        rows = torch.randint(0, EXAMPLES, (self.args.batch_size,))
        return (self.examples[rows].float() / 127.5 - 1).contiguous(memory_format=self.form)

    def generated(self) -> torch.Tensor:
        return self.generator(torch.randn(self.args.batch_size, 100))

    def step(self) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.args.bfloat16):
            for _ in range(5 if self.args.model == "wgan_gp" else 1):
                self.update_discriminator()
            self.update_generator()
        with torch.no_grad():
            for slow, fast in zip(self.variables(self.average), self.variables(self.generator), strict=True):
                slow.lerp_(fast, 0.001)

    def update_discriminator(self) -> None:
        real, fake = self.real(), self.generated().detach().float()
        on_real, on_fake = self.discriminator(real).float(), self.discriminator(fake).float()
        if self.args.model == "wgan_gp":
            with torch.autocast("cpu", enabled=False):
                loss = on_fake.mean() - on_real.mean() + 10 * penalty(self.discriminator, real, fake)
        else:
            loss = functional.softplus(-on_real).mean() + functional.softplus(on_fake).mean()
        self.descend(loss, self.optimizers[1])

    def update_generator(self) -> None:
        logits = self.discriminator(self.generated()).float()
        loss = -logits.mean() if self.args.model == "wgan_gp" else functional.softplus(-logits).mean()
        self.descend(loss, self.optimizers[0])

    @staticmethod
    def descend(loss: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    @staticmethod
    def variables(net: nn.Module) -> Iterator[torch.Tensor]:
        """Weights and statistics."""
        yield from net.parameters()
        yield from (buffer for buffer in net.buffers() if buffer.is_floating_point())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", choices=NETS, required=True)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--compile", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    game = Game(args)
    for _ in range(WARM_UP):
        game.step()
    start = time.perf_counter()
    for _ in range(args.updates):
        game.step()
    seconds = time.perf_counter() - start
    row = {**vars(args), "version": torch.__version__, "seconds": round(seconds, 3)}
    print(json.dumps({**row, "updates_per_second": round(args.updates / seconds, 3)}))


if __name__ == "__main__":
    main()
