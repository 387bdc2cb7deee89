import dataclasses
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import rlgen
from rlgen import registry
from rlgen.errors import UserError
from rlgen.looking import reporting
from rlgen.looking.report_text import number
from rlgen.run import Run, RunConfig
from rlgen.summary import SummaryWriter

pytestmark = pytest.mark.usefixtures("undrawn")

VOID = {"meta", "link", "img", "input", "br", "hr"}
ADDRESSES = {"src", "href", "srcset", "poster", "action", "formaction", "data", "xlink:href", "background", "cite"}
HOSTILE = "</script><script>alert(1)</script><img src=http://evil.example/x onerror=alert(2)>\"'"


class Page(HTMLParser):
    """A page as elements and texts; each element is closed where it ought to be."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_bytes()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(self.source.decode("utf-8"))
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs), attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self._open[-1] if self._open else "", " ".join(data.split())))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, *tags: str) -> list[str]:
        return [text for tag, text in self.texts if tag in tags]

    @property
    def words(self) -> str:
        return "\n".join(text for tag, text in self.texts if tag not in ("script", "style"))


def check_alone(page: Page) -> None:
    """Nothing comes from elsewhere, and nothing runs but what rlgen wrote."""
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on") and name != "style", (tag, name)
            assert name not in ADDRESSES or (value or "").startswith(("data:", "#")), (tag, name, value)
    assert not re.search(r"url\(|@import", "".join(page.text("style")))
    assert not re.search(r"fetch|XMLHttp|import\(|WebSocket|eval|innerHTML", "".join(page.text("script")))
    assert len(page.all("script")) == len(page.all("style")) == 1
    (policy,) = (each["content"] for each in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and policy.startswith("default-src 'none';") and "unsafe" not in policy
    assert not {"iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.elements}


def check_accessible(page: Page) -> None:
    """Headings without gaps, a text for each picture, a scope for each heading of a table, each id once."""
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert all(image["alt"] for image in page.all("img")) and all(video["aria-label"] for video in page.all("video"))
    assert all(drawing.get("aria-label") for drawing in page.all("svg") if drawing.get("role") == "img")
    assert all(cell["scope"] in ("col", "row") for cell in page.all("th"))
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    links = [link["href"] for link in page.all("a")]
    assert len(set(names)) == len(names) and {f"#{name}" for name in names} >= set(links)


def reported(tmp_path: Path, *runs: Path, name: str = "report.html") -> Page:
    page = Page(reporting.report(runs, out=tmp_path / name))
    check_alone(page)
    check_accessible(page)
    return page


def written(path: Path, stats: list[dict[str, Any]] = [], evaluations: list[dict[str, Any]] = [], **how: Any) -> Run:  # noqa: B006
    """A run that no algorithm has made."""
    fields: dict[str, Any] = {"algorithm": "walk", "problem": "plain", "engine": "compiled", "seed": 0}
    fields |= {"preset": "default", "config": {}, "trainer": {}, "steps": 10}
    run = Run.create(path, RunConfig(**{**fields, **how}))
    run.make_ready()
    for rows, add in ((stats, "stats.jsonl"), (evaluations, "evaluations.jsonl")):
        (path / add).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return run


def test_a_completed_run(tmp_path: Path) -> None:
    config = {"trainer.evaluate_every_steps": 10, "size": 3}
    run = rlgen.train("walk", steps=60, run=tmp_path / "run", seed=3, config=config)
    page = reported(tmp_path, run.path)
    result = run.result
    assert page.text("h1") == ["Report on run"] and page.text("h2") == ["walk on plain, seed 3"]
    assert page.text("h3") == [
        *("Learning curve", "Figures of the evaluation", "Pictures", "Training", "Evaluations", "Counters and time"),
        *("Configuration", "How it was made"),
    ]
    for name, figure in run.evaluation.items():
        assert name in page.words and number(figure) in page.text("td")
    assert number(run.evaluation["eval/score"]) in page.text("p")
    assert f"of step {result['best_step']}, on the test split: mean of 20 passes" in page.words
    assert "60 of 60 steps" in page.words and "Completed" in page.words
    assert (
        f"best, {number(max(row['eval/score'] for row in run.evaluations()))} at step {result['best_step']}"
        in page.words
    )
    assert run.config.about["created"][:10] in page.words and "rlgen 0." in page.words


def test_what_is_not_the_default_stands_out(tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=20, run=tmp_path / "run", config={"size": 3, "trainer.evaluation_episodes": 5})
    page = reported(tmp_path, run.path)
    assert len([row for row in page.all("tr") if row.get("class") == "differs"]) == 4  # In two tables.
    assert (
        "3" in page.text("td")
        and "How many weights." in page.text("td")
        and "trainer.evaluation_episodes" in page.words
    )
    fields = len(run.config.config) + len(run.config.trainer)
    assert page.text("summary") == [f"All {fields} fields, 2 of them not the default"]


def test_curves_are_drawn_and_pictures_are_carried(tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=60, run=tmp_path / "run", config={"trainer.evaluate_every_steps": 10})
    (run.path / "media" / "walk.mp4").write_bytes(b"film")
    page = reported(tmp_path, run.path)
    paths = {path["data-label"]: path for path in page.all("path") if "data-label" in path}
    assert {"evaluation", "train/loss", "eval/draw"} <= paths.keys()
    assert paths["evaluation"]["data-steps"] == "10 20 30 40 50 60"
    scores = [row["eval/score"] for row in run.evaluations()]
    values = paths["evaluation"]["data-values"] or ""
    assert [float(value) for value in values.split()] == pytest.approx(scores, rel=1e-5)
    assert len([mark for mark in page.all("circle") if mark["class"] == "dot score"]) == 6
    (picture,) = (image for image in page.all("img") if image["alt"] == "eval picture of walk on plain, seed 0")
    assert (picture["width"], picture["height"], picture["class"]) == ("3", "2", "small")
    assert (picture["src"] or "").startswith("data:image/png;base64,")
    assert (page.all("video")[0]["src"] or "") == "data:video/mp4;base64,ZmlsbQ=="
    assert "learning_curve.png" not in page.words and "walk.mp4" in page.words


def test_runs_of_one_score_are_held_against_each_other(tmp_path: Path) -> None:
    for seed in (0, 1):
        rlgen.train("walk", steps=20, seed=seed, run=tmp_path / "runs" / f"s{seed}")
    rlgen.train("walk", steps=20, data="hard", run=tmp_path / "other" / "s0")
    page = reported(tmp_path, tmp_path / "runs", tmp_path / "runs" / "s0", tmp_path / "other")
    assert page.text("h1") == ["Report on 3 runs"] and page.text("h2")[0] == "Overview"
    # Two have the same name, and are called by their paths.
    names = [str(tmp_path / "runs" / "s0"), "s1", str(tmp_path / "other" / "s0")]
    assert page.text("a") == names and len(page.all("article")) == 3
    assert "eval/score on plain" in page.words and "eval/score on hard" not in page.words
    together = [path["data-label"] for path in page.all("path") if path.get("data-label") in names]
    assert together == names[:2]


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    rlgen.train("walk", steps=20, run=tmp_path / "run")
    first, second = (reported(tmp_path, tmp_path / "run", name=f"{name}.html") for name in "ab")
    assert first.source == second.source


def test_a_run_that_has_not_ended(tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=40, run=tmp_path / "run", config={"trainer.evaluate_every_steps": 10})
    (run.path / "result.json").unlink()
    with (run.path / "stats.jsonl").open("a") as file:
        file.write('{"step": 50, "train/lo')
    page = reported(tmp_path, run.path)
    best = max(row["eval/score"] for row in run.evaluations())
    assert "Not ended: as it stands at step 40 of 40" in page.words and number(best) in page.text("p")
    assert "The best evaluation in training so far" in page.words


def test_a_run_before_its_first_evaluation(tmp_path: Path, walk: Any) -> None:
    page = reported(tmp_path, written(tmp_path / "run").path)
    assert "Not ended: as it stands at step 0 of 10" in page.words and page.text("h3") == ["How it was made"]


def test_a_run_that_was_ended_early(tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=1000, run=tmp_path / "run", config={"trainer.stop_at_score": -1e9})
    page = reported(tmp_path, run.path)
    assert f"Ended early: {run.result['stopped']}" in page.words


def test_a_damaged_result_is_a_note(tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=20, run=tmp_path / "run")
    (run.path / "result.json").write_text("{}")
    page = reported(tmp_path, run.path)
    assert "result.json cannot be used" in page.words and "Not ended" in page.words


def test_of_several_one_may_be_beyond_reading(tmp_path: Path) -> None:
    rlgen.train("walk", steps=20, run=tmp_path / "runs" / "good")
    (tmp_path / "runs" / "bad").mkdir()
    (tmp_path / "runs" / "bad" / "config.json").write_text("{")
    page = reported(tmp_path, tmp_path / "runs")
    assert page.text("h2") == ["Overview", "bad", "walk on plain, seed 0"]
    assert "Cannot be read" in page.words and "config.json cannot be used" in page.words
    with pytest.raises(UserError, match="cannot be used"):
        reporting.report([tmp_path / "runs" / "bad"], out=tmp_path / "alone.html")
    assert not (tmp_path / "alone.html").exists()


def test_an_algorithm_that_is_not_installed(tmp_path: Path) -> None:
    run = rlgen.train("walk", steps=20, run=tmp_path / "run")
    registry.unregister("supervised", "walk")
    page = reported(tmp_path, run.path)
    assert "There is no algorithm 'walk'" in page.words and number(run.evaluation["eval/score"]) in page.text("p")


def test_nothing_that_a_run_says_is_obeyed(tmp_path: Path, walk: Any) -> None:
    stats: list[dict[str, Any]] = [{"step": i, f"{HOSTILE}/norm": i, "a\x1b[2J\u202eb\x00": 1.0} for i in (1, 2)]
    evaluations: list[dict[str, Any]] = [
        {"step": 1, "eval/score": 1e308, HOSTILE: -1e308},
        {"step": 10**25, HOSTILE: 1},
    ]
    about = dict.fromkeys(("algorithm", "problem", "preset", "engine"), HOSTILE)
    config = {
        "{{ 7 * 7 }}": "{% include 'report.css' %}",
        HOSTILE: [HOSTILE, {"a": None}],
        "deep": [[[1]]],
        "half": "\ud800",
    }
    run = written(tmp_path / HOSTILE.replace("/", "_"), stats, evaluations, config=config, **about)
    row = {"steps": 10**40, "score": HOSTILE, "evaluation": {HOSTILE: 10**400}, "stopped": {HOSTILE: 1}}
    odd = {
        "best_step": 10**30,
        "seconds": HOSTILE,
        "steps_per_second": -1e999,
        "episodes": [],
        "step_unit": {"a": HOSTILE},
    }
    run.write_result({**row, **odd})
    (run.path / "media" / '"><script>x.png').write_bytes(b"GIF89a")
    (run.path / "media" / "half\udcff.gif").write_bytes(b"GIF89a")
    other = written(tmp_path / "other", evaluations=[{"step": 1, "eval/score": 1.0}], facts={"a": HOSTILE})
    page = reported(tmp_path, run.path, other.path)
    assert page.words.count("alert(1)") > 5 and "a\\x1b[2J\\u202eb\\x00" in page.words
    assert "{{ 7 * 7 }}" in page.words and "{% include 'report.css' %}" in page.words and "\\ud800" in page.words
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", page.source.decode())
    assert "half\\udcff.gif" in page.words


def test_what_another_program_logged(tmp_path: Path) -> None:
    writer = SummaryWriter(tmp_path / "logs" / "a")
    for step in range(1000):
        writer.scalars(step, {"loss": float(step), "nothing": float("nan"), "time/fps": 1.0})
    writer.close()
    page = reported(tmp_path, tmp_path / "logs")
    assert page.text("h2") == ["logs"] and page.text("h3") == ["Curves", "Counters and time"]
    assert "Logged by another program" in page.words
    assert [path["data-label"] for path in page.all("path") if "data-label" in path] == ["loss", "time/fps"]


def test_long_curves_make_no_large_file(tmp_path: Path, walk: Any) -> None:
    stats = [{"step": i, **{f"train/{name}": i * 0.123456789 for name in "abcde"}} for i in range(30_000)]
    page = reported(tmp_path, written(tmp_path / "run", stats).path)
    assert len(page.source) < 150_000


def test_a_directory_of_runs_is_looked_into_without_links(tmp_path: Path) -> None:
    inside = [written(tmp_path / "runs" / name).path for name in ("b", "a")]
    outside = written(tmp_path / "elsewhere" / "c").path
    (tmp_path / "runs" / "link").symlink_to(outside)
    (tmp_path / "runs" / "notes.txt").write_text("no run")
    assert reporting.found([tmp_path / "runs"]) == sorted(inside)
    assert reporting.found([inside[0], tmp_path / "runs", outside]) == [inside[0], inside[1], outside]


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = written(tmp_path / "run").path

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rlgen.files.sync", fail)
    with pytest.raises(UserError, match=r"report.html cannot be written: No space left"):
        reporting.report([run], out=tmp_path / "report.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_no_runs() -> None:
    with pytest.raises(UserError, match="A report needs runs"):
        reporting.report([], out="report.html")


def test_the_command(rlgen_command: Callable[..., Any], in_empty_directory: Path) -> None:
    rlgen.train("walk", steps=20, run="run")
    done = rlgen_command("report", "run", "--out", "report.html")
    assert (done.code, done.out) == (0, "report.html\n") and Page(Path("report.html")).text("h1") == ["Report on run"]


def test_mistakes_are_refused(refused: Any) -> None:
    rlgen.train("walk", steps=20, run="run")
    Path("empty").mkdir()
    Path("there.html").write_text("mine")
    refused("report", "--out", "a.html", words=["RUN"])
    refused("report", "run", words=["--out"])
    refused("report", "run", "--out", "a.pdf", words=["name it a.html"])
    refused("report", "run", "--out", "there.html", words=["is there already"])
    refused("report", "run", "--out", "nowhere/a.html", words=["There is no directory 'nowhere'"])
    refused("report", "nowhere", "--out", "a.html", words=["nowhere does not exist", "rlgen train"])
    refused("report", "run", "empty", "--out", "a.html", words=["empty is not a run", "TensorBoard"])
    refused("report", "there.html", "--out", "a.html", words=["and no directory"])


def test_policy_and_page_belong_together(tmp_path: Path) -> None:
    source = reported(tmp_path, written(tmp_path / "run").path).source.decode()
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", source, re.DOTALL)
        assert f"{tag}-src &#39;{reporting._hash(text)}&#39;" in source.replace("&#x27;", "&#39;")


def test_every_section_is_there_to_be_shown() -> None:
    fields = {field.name for field in dataclasses.fields(reporting.Section)}
    template = (Path(reporting.__file__).parents[1] / "page" / "report.html").read_text()
    used = set(re.findall(r"section\.(\w+)", template)) | {"curve", "problem"}
    assert fields == used
