"""Jobs and timers: the bodies of what rooms enqueue, and what is looked at regularly."""
