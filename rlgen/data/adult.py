"""Adult: a census, out of which an income is to be told, and by which a model's fairness is judged."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

from rlgen import files, runtime
from rlgen.data.published import FAULTS, MOST_BYTES, damaged
from rlgen.data.tabular import Tabular
from rlgen.fetching import Package
from rlgen.library import Origin

WHEEL, MEMBER = "fairness-0.1.8-py3-none-any.whl", "fairness/data/raw/adult.csv"
PUBLISHED = "adult.data"  # Without a header.
HEADER = (
    *("age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship"),
    *("race", "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income-per-year"),
)
TARGET, CLASSES = HEADER[-1], ("<=50K", ">50K")
# How many people a row stands for, which says nothing of its own; and what education-num says in numbers.
LEFT_OUT = ("fnlwgt", "education")


class Adult(Tabular):
    """32,561 people of a census by 12 columns; the target is whether one earns more than 50,000 dollars a year.

    `x` is float32 [N, 87]: 5 numbers and 7 categories, one-hot; the target 0 for <=50K, the harmless class, and 1 for
    >50K. The column `sex` is seen, and says as well which group a row is of: 0 Female, 1 Male. Parts are 80 : 10 : 10.

    Source: Kohavi and Becker, out of the census of the United States of 1994 (UCI, "Adult").
    """

    name = "adult"
    origin = Origin(
        licence="CC BY 4.0",
        size=14_216_010,
        needs=((WHEEL, PUBLISHED),),
        packages=(
            Package(
                client="pip",
                name="fairness",
                version="0.1.8",
                file=WHEEL,
                sha256="7f21cf0943f2a6fef7f7597eb99461bd4b2f7a26fe9810964675496cde6992e1",
            ),
        ),
        # Later ones refuse the package, of which one dependency is misspelt.
        by_hand=f"{PUBLISHED} as UCI publishes it, or {WHEEL}, which pip before 24.1 brings,",
    )

    def __init__(self, *, group: str = "sex") -> None:
        """Read it.

        Args:
            group: a column of two values, or COLUMN:VALUE, that says which of two groups of people a row is about, such
                as race:White; "": none does.

        Raises:
            UserError: it is not there, or damaged; or there is no such group.
        """
        (file,) = self.origin.require(self.name)
        try:
            rows, first = _rows(file)
        except FAULTS as error:
            raise damaged(file, error, self.name) from error
        kept = [place for place, column in enumerate(HEADER) if column not in LEFT_OUT]
        super().__init__(
            [HEADER[place] for place in kept],
            [[row[place] for place in kept] for row in rows],
            target=TARGET,
            where=f"'{file}'",
            task="classes",
            group=group,
            lines=range(first, first + len(rows)),
        )


def _rows(file: Path) -> tuple[list[list[str]], int]:
    """The rows, and in which line of the file the first one stands.

    Raises:
        ValueError and the like: it is no such file; see `FAULTS`.
    """
    with files.open_to_read(file) as raw:
        if file.name == PUBLISHED:
            content = raw.read(MOST_BYTES + 1)
        else:
            with zipfile.ZipFile(raw) as packed, packed.open(MEMBER) as member:
                content = member.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {runtime.human_bytes(MOST_BYTES)}")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), skipinitialspace=True))
    first = 1
    if file.name != PUBLISHED:
        if tuple(rows[0]) != HEADER:
            raise ValueError(f"its columns are {', '.join(rows[0])}")
        rows, first = rows[1:], 2
    while rows and not rows[-1]:
        rows.pop()
    for line, row in enumerate(rows, first):
        if len(row) != len(HEADER):
            raise ValueError(f"line {line} has {len(row)} values, and there are {len(HEADER)} columns")
        if row[-1] not in CLASSES:
            raise ValueError(f"line {line} has the income '{row[-1]}'")
    return rows, first
