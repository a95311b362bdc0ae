"""Money back by bank transfer, for a refund that the gateway could not make; the money moves in files for the bank."""
