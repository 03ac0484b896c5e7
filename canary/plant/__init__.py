"""Canaries into copies: where the rows go, and one file a format behind one protocol."""
