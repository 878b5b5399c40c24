"""Keeps the catalogue of sentences: reads them out of the sources, and compiles it (``make words``)."""
