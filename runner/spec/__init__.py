"""Names that the specification gives, each a thin way into the rooms that do the work."""
