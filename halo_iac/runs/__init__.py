"""One-off runs and their reports: ``polling`` starts and follows them, ``reports`` fetches one, ``pull`` many."""
