"""Telephony providers, each behind the protocol of `base`."""
