"""Found files: which canaries stand in them, however the rows were treated; nobody else is remembered."""

from pathlib import Path

STDIN = Path("-")
