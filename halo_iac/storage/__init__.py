"""What halo writes to disk and reads again: saved plans, receipts and other outputs, and the project files it edits.

``plan_file`` and ``receipt_file`` have the two documents that halo reads back, ``outputs`` says where a command may
write, ``atomic`` writes a file whole or not at all, ``file_lock`` lets one process at a time edit a file. Modes: what
may hold a prompt is for its owner only.
"""
