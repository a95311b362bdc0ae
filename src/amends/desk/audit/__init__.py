"""What happened, by whom: one chain of hashes for each subject, with a root for each day."""
