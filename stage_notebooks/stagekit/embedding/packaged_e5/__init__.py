"""multilingual-e5-small, out of the package that carries its weights."""
