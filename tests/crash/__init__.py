"""Kills runs at chosen and chance moments; what is then resumed must equal what was never killed."""
