"""A gateway for trials and tests: Stripe-shaped HTTP with a virtual clock and scripted faults.

The official SDK talks to it, so the desk has one payment code path, the real one. `docs/sandbox.md` lists what it knows.
"""
