"""What templates of the console load by name."""
