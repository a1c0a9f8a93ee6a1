"""What ``halo init`` asks, and the pipeline that it writes."""
