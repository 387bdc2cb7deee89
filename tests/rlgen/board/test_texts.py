from rlgen.board import texts
from rlgen.run import RunConfig


def test_all_that_was_run_is_there() -> None:
    made = {"command": "rlgen train walk", "created": "2026-01-02", "versions": {"rlgen": "1"}, "git_revision": None}
    config = RunConfig(
        algorithm="walk",
        problem="plain",
        engine="compiled",
        seed=3,
        preset="default",
        config={"rate": 0.5, "none": None},
        trainer={"film": False},
        about=made,
    )
    found = texts.about(config)
    assert "| rate | `0.5` |" in found["about/configuration"] and "| none | `none` |" in found["about/configuration"]
    assert found["about/command"].startswith("    rlgen train walk\n")
    assert "| rlgen | `1` |" in found["about/versions"] and "| git revision | `none` |" in found["about/versions"]


def test_values_do_not_break_out_of_their_cells() -> None:
    assert texts.table({"a": "x|y`z\nw"}).splitlines()[-1] == "| a | `x\\|y'z w` |"
    assert texts.table({"a": "x" * 5000}).count("x") == 5000
    assert texts.table({"a": ""}).endswith("| a |  |")
