"""What runs the desk looks at: whether it lives, whether it can work, and its figures."""
