"""What ``halo import`` writes, worked out before anything is on disk."""
