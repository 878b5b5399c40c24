"""What follows when a run has ended: the report, metrics, notifications."""
