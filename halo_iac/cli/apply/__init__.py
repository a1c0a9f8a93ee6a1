"""What ``apply``, ``undo``, ``pause`` and ``resume`` share: confirmation, the run itself, and its outcome."""
