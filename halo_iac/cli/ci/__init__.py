"""What ``halo ci`` runs in a job of a pipeline (docs/ci.md)."""
