"""Plain text and Markdown: decoding, and the quality of what was read."""
