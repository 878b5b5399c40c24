"""What is known of runs: records, lock, audit log, what they were made with, how they stand."""
