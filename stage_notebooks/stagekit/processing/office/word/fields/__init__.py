"""Fields of Word files: what they show."""
