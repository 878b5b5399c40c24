"""Fuzzing of what reads executed notebooks and the state beside them: it answers, or says why not."""
