"""One-off runs as commands start them: the request, waiting with Ctrl-C, and the results."""
