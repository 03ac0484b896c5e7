"""Which copy leaked? Mint, plant, listen, scan, trace, prove, report."""

__version__ = "0.1.0"
