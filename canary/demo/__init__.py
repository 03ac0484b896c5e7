"""A whole leak played offline: an invented city, a leak, its callers, through the real server."""
