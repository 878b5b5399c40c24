"""Reads a store for a search, without what only writing needs: a question loads nothing else.

``reader`` says what can be asked, in the words of ``conditions``; ``server`` asks a Qdrant server, and
:mod:`stagekit.storage.embedded.reader` the embedded store. ``opening`` opens the one that the settings name.
"""
