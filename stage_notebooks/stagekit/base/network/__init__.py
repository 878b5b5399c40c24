"""The way to the services: proxies of the environment, and whom their certificates are trusted from."""
