"""What halo writes to disk and reads again: project files, saved plans and receipts."""
