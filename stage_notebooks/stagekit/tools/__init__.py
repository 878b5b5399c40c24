"""Processes that the runner starts, with a request as JSON in and an answer as JSON out: ``__main__``."""
