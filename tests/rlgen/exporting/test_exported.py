"""What an export takes: batches of its inputs by name, and sentences for everything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlgen.errors import UserError
from rlgen.exporting.bundle import FILE, Bundle, Signature
from rlgen.exporting.exported import Exported, checked
from rlgen.spec import Spec

SIGNATURES = {
    "add": Signature(
        about="The sum.",
        inputs={"x": Spec((2,)), "label": Spec((), "int32")},
        outputs={"sum": Spec(())},
    ),
    "look": Signature(about="Bytes.", inputs={"picture": Spec((2, 2, 1), "uint8")}, outputs={"mean": Spec(())}),
}


def exported() -> Exported:
    def answer(name: str, inputs: Any) -> dict[str, Any]:
        return {"sum": inputs["x"].sum(-1) + inputs["label"]} if name == "add" else {"mean": inputs["picture"].mean()}

    bundle = Bundle(name="adder", format="run", version=1, signatures=SIGNATURES, run={})
    return Exported(bundle, answer)


def test_the_first_signature_is_meant_where_none_is_named() -> None:
    assert exported()(x=[[1, 2]], label=[3])["sum"].tolist() == [6.0]
    assert exported()("look", picture=np.full((1, 2, 2, 1), 9))["mean"] == 9


def test_inputs_become_what_the_signature_says() -> None:
    arrays = checked(SIGNATURES, "add", {"x": [[1, 2], [3, 4]], "label": [1.0, 2.0]})
    assert (arrays["x"].dtype, arrays["label"].dtype) == (np.float32, np.int32)


@pytest.mark.parametrize(
    ("name", "inputs", "said"),
    [
        ("ad", {}, "There is no signature 'ad'. Did you mean 'add'?"),
        ("add", {"x": [[1, 2]], "lable": [1]}, "takes no 'lable'. Did you mean 'label'?"),
        ("add", {"x": [[1, 2]]}, "is not given label"),
        ("add", {"x": [1, 2], "label": [1]}, r"'x' is float32 \[N, 2\], and not int64 \[2\]"),
        ("add", {"x": [[1, 2], [3]], "label": [1]}, "rows that differ in length"),
        ("add", {"x": [["a", "b"]], "label": [1]}, r"'x' is float32 \[N, 2\]"),
        ("add", {"x": [[1, 2]], "label": [1, 2]}, "have 1 and 2 rows"),
        ("add", {"x": [[1, 2]], "label": [1.5]}, "whole numbers from"),
        ("look", {"picture": np.full((1, 2, 2, 1), 256)}, "whole numbers from 0 to 255"),
        ("look", {"picture": np.full((1, 2, 2, 1), np.nan)}, "whole numbers from 0 to 255"),
        ("look", {"picture": 3}, r"and not int64 \[\]"),
    ],
)
def test_anything_else_gets_a_sentence(name: str, inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        checked(SIGNATURES, name, inputs)


def test_a_directory_without_an_export(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no export"):
        Exported.open(tmp_path)
    with pytest.raises(UserError, match="is no export"):
        Exported.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"schema": 9}', '{"schema": 1, "signatures": {}}', '{"schema": 1, "signatures": 3}']
)
def test_a_file_that_does_not_say_what_it_is(content: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(UserError, match="does not say what this export is"):
        Exported.open(tmp_path)


def test_a_format_of_tomorrow_and_a_file_that_is_gone(tmp_path: Path) -> None:
    bundle = Bundle(name="adder", format="stone", version=1, signatures=SIGNATURES, run={})
    (tmp_path / FILE).write_text(bundle.to_json())
    with pytest.raises(UserError, match="'stone', which this version does not know"):
        Exported.open(tmp_path)
    (tmp_path / FILE).write_text(bundle.to_json().replace("stone", "saved_model"))
    with pytest.raises(UserError, match="is damaged: .*Export the run again"):
        Exported.open(tmp_path)
