"""How easily would somebody without the registry pick the canaries out of a seeded file?"""
