"""What customers used: metered events, counted when a request is decided."""
