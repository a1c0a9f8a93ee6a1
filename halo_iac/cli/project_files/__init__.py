"""The project files that a command is about: which ones ``-f`` names, their entries, and what is checked of them."""
