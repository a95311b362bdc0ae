"""Our books beside the gateway's: what was compared, what differed, and who saw to it."""
