"""The page that every run leaves, and the figures it is made from."""
