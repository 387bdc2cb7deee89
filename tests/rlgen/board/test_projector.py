from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
from google.protobuf import text_format
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from rlgen.algorithm import Embedding
from rlgen.board import projector

PICTURES = np.arange(3 * 2 * 4, dtype=np.uint8).reshape(3, 2, 4, 1)


def test_what_the_projector_reads(tmp_path: Path) -> None:
    labels = {"class": ["a", "b\nc", "d"], "taken for": [1, 2, 3]}
    made = Embedding(
        name="codes", vectors=np.array([[1, 2.5], [3, 4], [5, 6]], np.float32), labels=labels, pictures=PICTURES
    )
    projector.write(tmp_path, made)
    (read,) = text_format.Parse((tmp_path / projector.CONFIG).read_text(), ProjectorConfig()).embeddings
    assert (read.tensor_name, read.tensor_path, read.metadata_path) == ("codes", "embedding.tsv", "labels.tsv")
    assert (read.sprite.image_path, list(read.sprite.single_image_dim)) == ("sprites.png", [4, 2])
    assert (tmp_path / "embedding.tsv").read_text() == "1\t2.5\n3\t4\n5\t6\n"
    assert (tmp_path / "labels.tsv").read_text() == "class\ttaken for\na\t1\nb c\t2\nd\t3\n"
    assert imageio.imread(tmp_path / "sprites.png").shape == (4, 8)


def test_points_alone(tmp_path: Path) -> None:
    projector.write(tmp_path, Embedding(name="states", vectors=np.ones((1, 2), np.float32)))
    assert {file.name for file in tmp_path.iterdir()} == {projector.CONFIG, "embedding.tsv"}


def test_sprites_stand_in_rows() -> None:
    (height, width), square = projector.sprites(PICTURES)
    assert (height, width) == (2, 4) and square.shape == (4, 8, 1)
    np.testing.assert_array_equal(square[:2, 4:], PICTURES[1])
    np.testing.assert_array_equal(square[2:, :4], PICTURES[2])
    assert (square[2:, 4:] == 255).all()


def test_large_ones_are_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projector, "MOST_SPRITE_PIXELS", 4)
    (height, width), square = projector.sprites(PICTURES)
    assert (height, width) == (1, 2) and max(square.shape) <= 4
