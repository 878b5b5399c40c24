"""When packages are imported, and what to install where one is missing."""
