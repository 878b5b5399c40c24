"""Office files: their limits, and what Docling's readers leave out."""
