"""Alerts: one file a channel behind one protocol, an outbox before them all."""
