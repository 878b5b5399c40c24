"""A question to the collection, and what its hits say in words: for the command line and the dashboard."""
