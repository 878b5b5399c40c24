"""Runs by themselves: looks at the source, and starts a run when it changed."""
