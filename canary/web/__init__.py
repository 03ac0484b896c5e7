"""The web door: Flask app factory and provider hooks."""
