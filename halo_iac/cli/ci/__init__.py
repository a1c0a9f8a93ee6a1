"""The commands of ``halo ci``, which run in a pipeline's jobs (docs/ci.md)."""
