"""The code blocks of a page of the docs: read them, and run them.

Run as a program it takes pages and runs their blocks in order, all in this process and in the current
directory: commands of blocks that begin with `rlgen`, and Python blocks, which share one namespace a page.
A block with a title, ```python title="file.py", is a file and is not run. What the page shows can be made
cheaper or left out by a comment on the line before the block:

    <!-- test: --steps 200 -->                the option, or in Python `steps=200`, gets this value
    <!-- test: seed=1 -> seed=2; 500 -> 5 -->  text is replaced
    <!-- test: skip, because it takes an hour -->

What a marker sets or replaces has to be there, so that a marker cannot outlive its block.

With `--serve` it takes pages from standard input instead, lines `["PAGE", "DIRECTORY", "FILE"]`: each is run in that
directory by a child process, which writes to the file, and its exit status is printed. The children find TensorFlow
imported, which takes as long as most commands.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMANDS, PYTHON = ("sh", "bash", "console", ""), ("python", "py")
FENCE = re.compile(
    r"(?:^<!-- test: (?P<marker>.*?) -->\n+)?^(?P<fence>```+)(?P<language>[\w+-]*)"
    r'(?: title="(?P<title>[^"]+)")?[^\n]*\n(?P<text>.*?)^(?P=fence)[ ]*$',
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block, as it is shown; `line` is where it begins."""

    page: Path
    line: int
    language: str
    title: str | None
    text: str
    marker: str | None

    @property
    def place(self) -> str:
        return f"{self.page.name}, line {self.line}"

    @property
    def runs(self) -> bool:
        """Whether it is code to run, and not left out."""
        if self.title or (self.marker or "").startswith("skip"):
            return False
        return self.language in PYTHON or (self.language in COMMANDS and begins_with_rlgen(self.text))

    def cheap(self) -> str:
        """Its text as a test runs it.

        Raises:
            ValueError: the marker cannot be read, or says to replace what is not there.
        """
        text = self.text
        for change in (part.strip() for part in (self.marker or "").split(";")):
            old, arrow, new = (part.strip() for part in change.partition("->"))
            if set_option := re.fullmatch(r"(--[\w-]+ |\w+=)(\S+)", change):
                shown, new = re.escape(set_option[1]) + r"[\w.]+", change
            elif arrow:
                shown = re.escape(old)
            elif change:
                raise ValueError(f"{self.place}: write --option VALUE, name=value or old -> new, not '{change}'")
            else:
                continue
            text, found = re.subn(rf"(?<![\w-]){shown}", new.replace("\\", r"\\"), text)
            if not found:
                raise ValueError(f"{self.place}: the marker says '{change}', but the block has nothing of the kind")
        return text


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page.

    Raises:
        ValueError: a marker that stands before no block, or a block left out without a reason.
    """
    source = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(source):
        line = source.count("\n", 0, found.start("fence")) + 1
        block = Block(page, line, *found.group("language", "title", "text", "marker"))
        if block.marker and block.marker.startswith("skip") and not re.match(r"skip,? because \w", block.marker):
            raise ValueError(f"{block.place}: say why: <!-- test: skip, because ... -->")
        yield block
    if re.search(r"^<!-- test:", FENCE.sub("", source), re.MULTILINE):
        raise ValueError(f"{page.name}: a marker <!-- test: ... --> does not stand right before a block")


def begins_with_rlgen(text: str) -> bool:
    """Whether a block's first command is `rlgen`."""
    first = next(iter(commands(text)), [""])
    return Path(first[0]).name == "rlgen"


def commands(text: str) -> list[list[str]]:
    """The commands of a block, split as a shell would; in a console block those behind `$`."""
    lines = text.replace("\\\n", " ").splitlines()
    prompts = [line[2:] for line in lines if line.startswith("$ ")]
    split = (shlex.split(line, comments=True) for line in prompts or lines)
    return [words for words in split if words]


def run_page(page: Path) -> None:
    """Run a page's blocks in order.

    Raises:
        AssertionError: a command ended with another code than 0.
        Exception: whatever a Python block raises.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        if not block.runs:
            continue
        if block.language in PYTHON:
            # Line numbers of the page, for the traceback.
            exec(compile("\n" * block.line + block.cheap(), str(page), "exec", dont_inherit=True), names)
            continue
        for words in commands(block.cheap()):
            if Path(words[0]).name == "rlgen":
                run_command(words[1:], block.place)


def run_command(arguments: list[str], place: str) -> None:
    """`rlgen` with these arguments, in this process."""
    from rlgen import cli

    sys.argv, code, start = ["rlgen", *arguments], 0, time.perf_counter()
    try:
        cli.main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    print(f"[{time.perf_counter() - start:.1f} s] rlgen {shlex.join(arguments)}", file=sys.stderr)
    assert code == 0, f"{place}: `rlgen {shlex.join(arguments)}` ended with {code}"


def serve() -> None:
    """Run pages in children until standard input ends."""
    import_what_takes_long()
    for line in sys.stdin:
        page, directory, file = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                written = os.open(file, os.O_WRONLY | os.O_CREAT)
                os.dup2(written, 1)
                os.dup2(written, 2)
                os.chdir(directory)
                run_page(Path(page))
                code = 0
            except BaseException:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def import_what_takes_long() -> None:
    """What the children need, and none of it starts a thread, which a child would not have.

    Runs are evaluated twice where the page does not say how often: runs of so few steps are soon judged.
    """
    import same_programs
    import unshown

    from rlgen.runtime import import_tensorflow

    import_tensorflow()
    same_programs.install()
    import matplotlib.figure  # noqa: F401
    import sklearn.datasets  # noqa: F401

    import rlgen.api  # noqa: F401
    from rlgen import trainer_config

    trainer_config.EVALUATIONS = 2
    unshown.install()


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        for argument in sys.argv[1:]:
            run_page(Path(argument))
