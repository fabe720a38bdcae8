"""`python -m zoo.cli` is `zoo`."""

from . import main

main()
