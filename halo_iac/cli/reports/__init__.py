"""What the commands about reports and conversations share: finding one, comparing two, writing many."""
