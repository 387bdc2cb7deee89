"""`python -m rlgen` is the `rlgen` command."""

from rlgen.cli import main

main()
