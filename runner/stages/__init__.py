"""The chain: its stages, what determines a result of each, and what can be done where one fails."""
