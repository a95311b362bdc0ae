"""Who takes part: customers, staff and the programs of host products."""
