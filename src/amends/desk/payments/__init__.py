"""Money at the gateway: what was charged, what was returned, and sending a refund exactly once."""
