"""What the runner needs of libraries, and of Python, beyond their public interfaces: a module each."""
