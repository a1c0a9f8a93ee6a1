"""What ``halo trace``, ``halo span`` and ``halo sandbox load`` share: filters, lookup, lists, files."""
