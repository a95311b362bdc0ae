"""The books: double entry, integer minor units, only ever added to."""
