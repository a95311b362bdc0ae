"""What was sold: plans and prices, orders and their lines, subscriptions and changes of plan."""
