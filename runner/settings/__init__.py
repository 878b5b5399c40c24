"""The settings of a run: what there are, the types of their values, and what they were called before."""
