"""Keeping an outputs folder in order: backup, pruning, rebuilding, keys, quarantine, health."""
