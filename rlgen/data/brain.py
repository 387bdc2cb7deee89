"""Slices of an average head, worn as a scanner would wear them: a set to learn segmentation from."""

from __future__ import annotations

import gzip
import math
import zipfile
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rlgen import files, runtime
from rlgen.data import PARTS, Arrays, Dataset, Part, Target, pixels
from rlgen.data.pixels import Pixels
from rlgen.data.published import FAULTS, damaged
from rlgen.errors import UserError
from rlgen.fetching import Package
from rlgen.library import Origin
from rlgen.spec import Spec

FILE = "nilearn-0.14.1-py3-none-any.whl"
SHA256 = "725206484e9fb3f6691f9c2d20204a068759d5072f12055324702ee0cb2bbe8a"
T1, GREY, WHITE = (
    f"nilearn/datasets/data/mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz" for name in ("t1", "gm", "wm")
)
# From left to right, from back to front, from below to above, a millimetre each.
SHAPE = (197, 233, 189)
HEADER_BYTES = 352
# The square in the middle of a slice, which holds the whole brain.
SIDE, LEAST_SIDE = 192, 16
# Slices from the one to before the other, counted from below: where there is brain, and 4 left out between blocks.
BLOCKS: dict[Part, tuple[tuple[int, int], ...]] = {
    "train": ((10, 25), (41, 57), (73, 88), (104, 120), (136, 151)),
    "validation": ((29, 37), (92, 100)),
    "test": ((61, 69), (124, 132)),
}
SEED = 0
FIELD_POINTS = 4  # Along either side; between them the field is smooth.
BRIGHTEST = 1.5  # Of the brightest in the head as it lies; it becomes 255, and what is brighter too.


class Brain(Dataset):
    """Slices of one average head in MRI, with bias field and noise; grey and white matter are to be found.

    `x` is uint8 [N, size, size, 1], the target int32 [N, size, size] of 0 other, 1 grey matter, 2 white matter, where
    the map of a tissue says more than a half. As it lies two thresholds would do, so each slice is worn: times a smooth
    random field, plus noise, and then scaled so that 1.5 times the brightest of the head is 255.

    It is ONE head, the average of 152: a demonstration, which says nothing about a second one. Neighbouring slices are
    nearly alike, so parts are blocks of slices, 4 mm apart from the next: 77 to train, 16 to validate, 16 to test. A
    cross-validation would tear the blocks apart.

    Source: MNI ICBM152 2009a, symmetric, of the McConnell Brain Imaging Centre (Fonov et al., NeuroImage, 2011).
    """

    name = "brain"
    origin = Origin.of_package(
        Package(client="pip", name="nilearn", version="0.14.1", file=FILE, sha256=SHA256),
        licence="BSD-3 (the package); of the atlas, unknown",
        size=11_509_444,
    )

    def __init__(self, *, size: int = 96, field: float = 0.45, noise: float = 0.06, copies: int = 1) -> None:
        """See that the file is there; it is read when somebody asks for examples.

        Args:
            size: pixels along either side of 192 millimetres; 16 to 192.
            field: how far the bias field goes from 1 to either side.
            noise: standard deviation of what is added, where the brightest of the head is 1.
            copies: of each training slice, each worn differently; the other parts have one.

        Raises:
            UserError: it is not there, or an argument is out of its range.
        """
        if not LEAST_SIDE <= size <= SIDE:
            raise UserError(f"size={size}: slices of the brain have {LEAST_SIDE} to {SIDE} pixels along a side.")
        if not 0 <= field < 1 or not 0 <= noise <= 1 or copies < 1:
            raise UserError(
                f"field={field}, noise={noise}, copies={copies}: take a field from 0 to less than 1, noise of 0 to 1, "
                "and 1 copy or more."
            )
        self.spec = Spec((size, size, 1), "uint8")
        self.target = Target(Spec((size, size), "int32"), ("other", "grey matter", "white matter"))
        self._field, self._noise, self._copies = field, noise, copies
        slices = copies * sum(end - start for start, end in BLOCKS["train"])
        needs = {"the head": 3 * math.prod(SHAPE), f"{slices:,} slices": slices * self.spec.size * 20}
        runtime.require_memory(needs, advice="Make size or copies smaller")
        (self._file,) = self.origin.require(self.name)

    def split(self, part: Part) -> Arrays:
        """The slices of one part from below to above, and then their next copies; every call gives the same."""
        return self._parts[part]

    @cached_property
    def _parts(self) -> dict[Part, Arrays]:
        try:
            with files.open_to_read(self._file) as file, zipfile.ZipFile(file) as packed:
                head, grey, white = (
                    pixels.resized(_slices(packed, member), self.spec.shape[0]) for member in (T1, GREY, WHITE)
                )
        except FAULTS as error:
            raise damaged(self._file, error, self.name) from error
        masks = np.where((grey > 127) & (grey >= white), 1, np.where(white > 127, 2, 0)).astype(np.int32)[..., 0]
        parts: dict[Part, Arrays] = {}
        for part in PARTS:
            rows = np.concatenate([np.arange(start, end) for start, end in BLOCKS[part]])
            copies = self._copies if part == "train" else 1
            x = np.concatenate([self._worn(head[rows], part, copy) for copy in range(copies)])
            parts[part] = Arrays(x, np.tile(masks[rows], (copies, 1, 1)))
        return parts

    def _worn(self, clean: Pixels, part: Part, copy: int) -> Pixels:
        random = runtime.generator(SEED, "brain", part, copy)
        points = random.uniform(1 - self._field, 1 + self._field, (len(clean), FIELD_POINTS, FIELD_POINTS))
        worn = clean / np.float32(255) * _smooth(points.astype(np.float32), clean.shape[1])
        worn += np.float32(self._noise) * random.standard_normal(worn.shape, np.float32)
        return np.rint(worn.clip(0, BRIGHTEST) * (255 / BRIGHTEST)).astype(np.uint8)


def _slices(packed: zipfile.ZipFile, member: str) -> Pixels:
    """The squares in the middle of a volume's slices, uint8 [189, 192, 192, 1], from below, the nose above.

    NIfTI-1 in one file: a header, of which lengths, type and where data begin are looked at, then bytes, of which the
    first axis is the fastest ("Data format working group", nifti1.h, 2003).

    Raises:
        ValueError and the like: it is none, or another one; see `FAULTS`.
    """
    whole = HEADER_BYTES + math.prod(SHAPE)
    with packed.open(member) as raw, gzip.GzipFile(fileobj=raw) as unpacked:
        content = unpacked.read(whole + 1)
    lengths, kind = np.frombuffer(content[40:48], "<i2").tolist(), content[70:72]
    start = np.frombuffer(content[108:112], "<f4").tolist()
    if content[344:347] != b"n+1" or lengths != [3, *SHAPE] or kind != b"\2\0" or start != [HEADER_BYTES]:
        raise ValueError(f"{member} is no volume of {' x '.join(map(str, SHAPE))} bytes")
    if len(content) != whole:
        raise ValueError(f"{member} has not as many bytes as it says")
    volume = np.frombuffer(content, np.uint8, offset=HEADER_BYTES).reshape(SHAPE[::-1])[:, ::-1]
    top, left = ((length - SIDE) // 2 for length in volume.shape[1:])
    return volume[:, top : top + SIDE, left : left + SIDE, None]


def _smooth(points: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    """Fields [N, size, size, 1] through a few points, [N, P, P]."""
    from PIL import Image

    made = [np.asarray(Image.fromarray(each).resize((size, size), Image.Resampling.BICUBIC)) for each in points]
    return np.array(made, np.float32)[..., None]
