"""Models on this machine: where their files are kept, which library runs them, and in which arithmetic."""
