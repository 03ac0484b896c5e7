"""Contacts in: one file a provider behind one protocol, triage into kinds."""
