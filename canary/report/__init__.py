"""Verdicts rendered: one view of the findings, one file a renderer."""
