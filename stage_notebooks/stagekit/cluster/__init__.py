"""Stages 02 and 04 on a Dask cluster."""
