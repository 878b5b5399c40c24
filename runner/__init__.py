"""Executes the stage notebooks in dependency order and keeps each executed notebook as checkpoint and log."""
