"""The heart: which stage comes when, must it run, its execution, its checkpoint, and how a run resumes."""
