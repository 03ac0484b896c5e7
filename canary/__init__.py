"""Which copy leaked? Mint, plant, listen, scan, trace, prove, report."""

import os

# Characters are read one by one: pypinyin's 47,000 words would take a tenth of a second and 45 MB.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")

__version__ = "0.1.0"
