"""Encryption at rest: the cipher, and the marker that names the key."""
