"""Builds the bundled sample repository from the texts in this package; nothing here is used at run time."""
