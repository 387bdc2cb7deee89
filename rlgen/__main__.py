"""`python -m rlgen` is the `rlgen` command."""

import os
import sys


def forget_working_directory() -> None:
    """Take the working directory off the path, where a module beside a run would be found as it is not by `rlgen`."""
    if sys.flags.isolated or getattr(sys.flags, "safe_path", False):
        return  # Python has not put it there.
    try:
        here = os.getcwd()  # noqa: PTH109 - pathlib might be a module that lies here.
    except OSError:
        return
    if sys.path[:1] == [here]:
        del sys.path[0]


forget_working_directory()

from rlgen.cli import main  # noqa: E402

main()
