"""Processes that work on documents, and can be killed."""
