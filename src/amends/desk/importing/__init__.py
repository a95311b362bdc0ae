"""What was sold before the desk was there: fetched from the gateway, kept as it is, and told to the desk as orders."""
