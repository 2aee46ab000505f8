"""`python -m asbru` is the `asbru` command."""

from asbru.cli import main

main()
