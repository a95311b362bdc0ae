"""Cases: a request from its first word to the money and the last letter."""
