"""Commands about what the collection holds: its builds, its sources, its documents, and answers from it."""
