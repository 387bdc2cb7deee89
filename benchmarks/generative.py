"""What generative models make, over seeds: every seed is reported.

Each run is trained as `rlgen train` would, in a directory below `--runs`, so that one that was stopped goes on; its
last checkpoint is judged on the test part. Results are added to `results/<suite>.json`; what is there already is not
run again. Of what the first seed makes, the pictures that `docs/pictures` has are written anew.

    python -m benchmarks.generative --suite fashion
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import models
from benchmarks.jobs import Job
from benchmarks.models import Named, each

# What is said of samples beside real examples with classes.
METRICS = ["fid", "kid", "precision_recall", "class_histogram", "memorisation"]
FASHION = {"evaluation_samples": 10_000, "metrics": METRICS, "trainer.evaluation_episodes": 1}


def fashion(seeds: range) -> Iterator[Job]:
    """Fashion-MNIST in 2,000 generator updates."""
    return each(FASHION_MODELS, "fashion_mnist", 2000, FASHION, seeds)


FASHION_MODELS: tuple[Named, ...] = (
    ("GAN, dense", "gan", "pictures", {}),
    ("DCGAN", "dcgan", "default", {}),
    ("WGAN", "wgan", "default", {}),
    ("WGAN-GP", "wgan_gp", "default", {}),
)


def conditional(seeds: range) -> Iterator[Job]:
    """The same with classes that are asked for."""
    common = {**FASHION, "metrics": ["fid", "as_asked"], "conditional": True}
    return each(FASHION_MODELS[:2], "fashion_mnist", 2000, common, seeds)


def emoji(seeds: range) -> Iterator[Job]:
    """Few pictures, and fewer, with and without changes of what the discriminator sees; nets of half the width."""
    metrics = {"metrics": ["kid", "fid", "precision_recall", "memorisation"], "metric_features": "imagenet"}
    short = {"trainer.evaluation_episodes": 1, "trainer.evaluate_every_steps": 2000}
    common = {"batch_size": 32, "filters": 32, "most_filters": 256, **metrics, **short}
    for data in ("emoji?subset=500", "emoji"):
        yield from each(EMOJI_MODELS, data, 20_000, common, seeds)


EMOJI_MODELS: tuple[Named, ...] = (
    ("DCGAN", "dcgan", "default", {}),
    ("DCGAN, adaptive augmentation", "dcgan", "default", {"ada": ["blit", "geometry", "colour"]}),
)


def outlines(seeds: range) -> Iterator[Job]:
    """Outlines in colour, what the game adds to the absolute error, and what features add to both."""
    metrics = {"metrics": ["kid", "perceptual_distance"], "metric_features": "imagenet"}
    common = {**metrics, "trainer.evaluate_every_steps": 2000}
    return each(OUTLINES_MODELS, "outlines", 4000, common, seeds)


OUTLINES_MODELS: tuple[Named, ...] = (
    ("pix2pix", "pix2pix", "default", {}),
    ("U-Net, absolute error alone", "pix2pix", "l1", {}),
    ("pix2pix, perceptual loss", "pix2pix", "perceptual", {}),
)


def ring(seeds: range) -> Iterator[Job]:
    """Eight Gaussians, each model with the preset for them, or its defaults."""
    for seed in seeds:
        for algorithm, steps in (("gan", 20_000), ("wgan", 10_000), ("wgan_gp", 10_000)):
            yield {"name": algorithm, "algorithm": algorithm, "data": "ring", "steps": steps, "seed": seed}


def codes(seeds: range) -> Iterator[Job]:
    """Autoencoders and VAEs on Fashion-MNIST, some seven epochs of the default batch."""
    short = {"trainer.evaluation_episodes": 1, "trainer.evaluate_every_steps": 1500}
    return each(CODERS, "fashion_mnist", 3000, short, seeds)


CODERS: tuple[Named, ...] = (
    ("autoencoder", "autoencoder", "default", {}),
    ("autoencoder, dense", "autoencoder", "default", {"network": "dense"}),
    ("Hands-On, stacked", "autoencoder", "book-hands-on-ml", {}),
    ("Hands-On, tied", "autoencoder", "book-hands-on-ml-tied", {}),
    ("Hands-On, sparse (KL)", "autoencoder", "book-hands-on-ml-sparse-kl", {}),
    ("VAE", "vae", "default", {}),
    ("VAE, dense", "vae", "default", {"network": "dense"}),
    ("Hands-On, VAE", "vae", "book-hands-on-ml", {}),
)

# The first seed of the ring: the presets for it were chosen on those before.
SUITES = {
    "fashion": (fashion, 0),
    "conditional": (conditional, 0),
    "emoji": (emoji, 0),
    "outlines": (outlines, 0),
    "ring": (ring, 3),
    "codes": (codes, 0),
}


if __name__ == "__main__":
    models.main(__doc__, SUITES)
