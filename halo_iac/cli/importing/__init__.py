"""Prepares what ``halo import`` writes, before anything is on disk."""
