"""The programs of host products: `/api/v1`."""
