"""The project files of a command: which ones ``-f`` names, their entries, and the checks on them."""
