"""Text for people: plain lines, written once, coloured on a terminal (docs/performance.md#text).

rich takes a thousand times as long as one string for a table of a thousand rows, so it is not used here.
"""
