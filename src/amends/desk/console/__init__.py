"""The console: where staff work on cases."""
