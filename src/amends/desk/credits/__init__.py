"""Prepaid and promotional credits, in lots bound to what they can buy."""
