"""Tables that come with scikit-learn: small, real, and there without a download."""

from __future__ import annotations

from typing import Any, ClassVar

from rlgen.data.tabular import Tabular
from rlgen.library import Origin


class Bundled(Tabular):
    """A table of scikit-learn's; three fifths train, one fifth validates, one tests.

    Attributes:
        loader: name of scikit-learn's function.
    """

    loader: ClassVar[str]

    def __init__(self) -> None:
        """Read it."""
        from sklearn import datasets

        arguments = {"scaled": False} if self.loader == "load_diabetes" else {}
        source: Any = getattr(datasets, self.loader)(**arguments)
        names = getattr(source, "target_names", None)
        wanted = [str(y) if names is None else str(names[y]) for y in source.target]
        rows = [[*map(repr, row.tolist()), y] for row, y in zip(source.data, wanted, strict=True)]
        header = [*map(str, source.feature_names), "target"]
        task = "numbers" if names is None else "classes"
        super().__init__(header, rows, target="target", where=self.loader, task=task, held_out=0.2)  # type: ignore[arg-type]


class BreastCancer(Bundled):
    """569 tumours of the breast by 30 measures of their cells, malignant or benign (Wisconsin), bundled.

    Source: Street, Wolberg and Mangasarian (1993).
    """

    loader = "load_breast_cancer"
    origin = Origin(licence="CC BY 4.0")


class Diabetes(Bundled):
    """442 patients with diabetes by 10 measures; the target is how far the disease has come in a year, 25 to 346.

    Source: Efron et al., "Least Angle Regression" (2004).
    """

    loader = "load_diabetes"
    origin = Origin(licence="none stated")


class Iris(Bundled):
    """150 irises of 3 species by 4 measures of their leaves, bundled.

    Source: Fisher, "The use of multiple measurements in taxonomic problems" (1936).
    """

    loader = "load_iris"
    origin = Origin(licence="CC BY 4.0")


class Wine(Bundled):
    """178 wines of 3 growers by 13 chemical measures, bundled.

    Source: Forina et al., PARVUS (1988).
    """

    loader = "load_wine"
    origin = Origin(licence="CC BY 4.0")
