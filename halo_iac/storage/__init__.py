"""Reads and writes files on disk: saved plans, receipts and other outputs, and edited project files.

``plan_file`` and ``receipt_file`` write the two documents that halo reads back, a receipt with ``receipt_reader``;
``outputs`` decides where a command may write, ``atomic`` writes a file whole or not at all, ``file_lock`` serializes
edits of a file. Files that may hold a prompt are readable by their owner only.
"""
