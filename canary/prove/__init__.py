"""Commitments and hash chains: pure functions anyone can repeat."""
