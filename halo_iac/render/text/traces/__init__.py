"""The views of ``halo trace`` and ``halo span`` as text (docs/protocol.md#trace-views)."""
