"""Text for people: plain lines, written once, coloured where there is a terminal (docs/performance.md#text).

A table of a thousand rows from rich takes a thousand times as long as one string, so nothing here is drawn with it.
"""
