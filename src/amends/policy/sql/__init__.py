"""A policy as SQL: the same decisions, by an engine where the data lives."""
