"""The public page: the policy as customers read it."""
