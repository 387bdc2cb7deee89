"""Fashion-MNIST: articles of clothing, as large as MNIST and harder."""

from __future__ import annotations

from pathlib import Path

from rlgen.data import Arrays, Target
from rlgen.data.published import Published, read_idx_parts
from rlgen.fetching import Package
from rlgen.library import Origin
from rlgen.spec import Spec

FIRST = "train-images-idx3-ubyte"


class FashionMNIST(Published):
    """Fashion-MNIST: 70,000 grey pictures of clothing of 28x28 pixels in 10 classes.

    `x` is uint8 [N, 28, 28, 1], or of `?size=`; 55,000 to train, 5,000 to validate, 10,000 to test, in the published
    order.

    Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms" (2017).
    """

    name = "fashion_mnist"
    spec = Spec((28, 28, 1), "uint8")
    target = Target.one_of(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
    validation = 1 / 12
    origin = Origin(
        licence="MIT",
        size=30_900_652,
        # Keras' and Debian's folder, and torchvision's.
        needs=(
            tuple(f"{folder}/{FIRST}{end}" for folder in ("fashion-mnist", "FashionMNIST/raw") for end in (".gz", "")),
        ),
        packages=(
            Package(
                client="apt-get",
                name="dataset-fashion-mnist",
                version="0.0~git20200523.55506a9-1",
                file="dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
                sha256="39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
                folder="usr/share/datasets/fashion-mnist",
            ),
        ),
        by_hand=f"a folder fashion-mnist with {FIRST}.gz and the three files published beside it",
    )

    def read(self, file: Path) -> tuple[Arrays, Arrays]:
        """As the base says."""
        return read_idx_parts(file, self.name)
