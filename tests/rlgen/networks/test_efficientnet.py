"""EfficientNet-Lite0: its size, its layers in place, and what the real one sees."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch_files

from rlgen.errors import RlgenError, UserError
from rlgen.networks import efficientnet

FILTERS = (16, 24, 40, 80, 112, 192, 320)


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    """Weights of the network's shapes."""
    random, found = np.random.default_rng(0), dict[str, Any]()

    def convolution(name: str, *shape: int) -> None:
        found[f"{name}.weight"] = random.normal(0, 1 / np.sqrt(np.prod(shape[1:])), shape).astype(np.float32)

    def norm(name: str, width: int) -> None:
        for part, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
            found[f"{name}.{part}"] = np.full(width, value, np.float32)

    convolution("_conv_stem", 32, 3, 3, 3)
    norm("_bn0", 32)
    width, block = 32, 0
    for (blocks, kernel, _, expansion), filters in zip(efficientnet.STAGES, FILTERS, strict=True):
        for _ in range(blocks):
            name, wide = f"_blocks.{block}", width * expansion
            if expansion > 1:
                convolution(f"{name}._expand_conv", wide, width, 1, 1)
                norm(f"{name}._bn0", wide)
            convolution(f"{name}._depthwise_conv", wide, 1, kernel, kernel)
            norm(f"{name}._bn1", wide)
            convolution(f"{name}._project_conv", filters, wide, 1, 1)
            norm(f"{name}._bn2", filters)
            width, block = filters, block + 1
    convolution("_conv_head", efficientnet.FEATURES, width, 1, 1)
    norm("_bn1", efficientnet.FEATURES)
    convolution("_fc", efficientnet.CLASSES, efficientnet.FEATURES)
    found["_fc.bias"] = np.zeros(efficientnet.CLASSES, np.float32)
    return found


def test_its_size(drawn: dict[str, Any]) -> None:
    """As its authors publish it, 4.65 million parameters, running statistics not counted."""
    net = efficientnet.network(32, drawn, top=True)
    assert sum(int(np.prod(weight.shape)) for weight in net.trainable_weights) == 4_652_008
    assert net.output.shape == (None, 1000)
    assert efficientnet.network(64, drawn, top=False).output.shape == (None, 1280)


def packed(place: Path, content: bytes) -> Path:
    file = place / efficientnet.FILE
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(efficientnet.MEMBER, content)
    return file


def test_read_out_of_the_package(tmp_path: Path) -> None:
    arrays = {"_conv_stem.weight": np.ones((2, 3), np.float32).T, "_fc.bias": np.arange(3, dtype=np.float32)}
    found = efficientnet.read(packed(tmp_path, torch_files.state_dict(arrays)))
    np.testing.assert_array_equal(found["_fc.bias"], [0, 1, 2])


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    others = torch_files.state_dict({"other": np.ones(2, np.float32)})
    for content in (b"no archive", others, others[:40]):
        with pytest.raises(RlgenError, match=rf"{efficientnet.FILE}' is damaged.*rlgen data get efficientnet_lite0"):
            efficientnet.read(packed(tmp_path, content))
    (tmp_path / efficientnet.FILE).write_bytes(b"no archive")
    with pytest.raises(RlgenError, match="is damaged"):
        efficientnet.read(tmp_path / efficientnet.FILE)


def test_the_network_itself() -> None:
    """Two photographs are what they are: a palace, a daisy. Kernels whose strides are ignored would see neither."""
    from sklearn.datasets import load_sample_images

    from rlgen.data.pixels import square

    try:
        (file,) = efficientnet.EfficientNetLite0.origin.require("efficientnet_lite0")
    except UserError as missing:
        pytest.skip(f"The network is not here: {missing}")
    x = np.stack([square(photo, efficientnet.SIDE) for photo in load_sample_images().images]) / np.float32(255)
    logits = efficientnet.network(efficientnet.SIDE, efficientnet.read(file), top=True)(x).numpy()
    assert logits.argmax(axis=1).tolist() == [698, 985]
