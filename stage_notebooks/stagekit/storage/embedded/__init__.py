"""Qdrant's own engine in this process, as a store below outputs/."""
