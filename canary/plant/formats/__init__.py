"""File formats a copy may be handed out in, each behind the protocol of `base`."""
