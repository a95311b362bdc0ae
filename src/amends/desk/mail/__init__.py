"""Letters that come by mail: kept as they came, then put into a case, into a draft, or before a person."""
