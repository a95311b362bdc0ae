"""What customers see: their orders, what they can get back and why, their requests."""
