"""Documents of every format from random nestings of its constructs, with the words that their reader sees.

Each module has `document(seed) -> Generated`. No word stands twice in a document, so that what a build keeps,
loses, or must not show is told by single words.
"""
