"""Questions to the collection, and how well they are answered."""
