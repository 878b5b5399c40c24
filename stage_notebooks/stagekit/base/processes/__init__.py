"""Processes of this machine: forked from a warm one, their memory, and their end."""
