"""Stage 02: turns bytes into DoclingDocuments, losing no text and refusing what cannot be read."""
