"""Is all well? Questions to the surroundings, before a run and by `nic-etl doctor`."""
