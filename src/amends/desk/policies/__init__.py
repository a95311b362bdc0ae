"""Versions of the policy: published once, never changed, and who was told of which."""
