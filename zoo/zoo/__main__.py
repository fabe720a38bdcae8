"""`python -m zoo` is `zoo`."""

from .cli import main

main()
