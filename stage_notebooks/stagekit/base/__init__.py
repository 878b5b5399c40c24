"""What any room may use and no document appears in: paths, files, secrets, imports, the machine."""
