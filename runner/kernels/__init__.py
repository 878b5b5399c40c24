"""Papermill's engine, and the kernels in which notebooks are executed."""
