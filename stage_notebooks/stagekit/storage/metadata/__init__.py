"""What a collection's metadata says beside its identity."""
