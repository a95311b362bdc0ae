"""Letters: what customers are told, in writing, once each."""
