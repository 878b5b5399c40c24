"""The laws of conservation: what a file says arrives in its Markdown, and what the Markdown says in a chunk.

Beside the converter stands a second reader for each format (`sources`), simple and independent of it, so that
no fault can be common to both. `comparison` holds what the two read against each other.
"""
