"""Telephony providers, each one file behind the protocol of `base`, held to it by tests/listen/test_contract.py."""
