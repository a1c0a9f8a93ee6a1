"""One-off runs for commands: the request, waiting with Ctrl-C, and the results."""
