"""One-off runs and their reports: start, follow, fetch, pull."""
