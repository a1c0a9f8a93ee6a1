"""Render: converts a value of any stage to text; nothing here prints, asks or has a clock.

One module or package per format, each with a function per value: ``text`` for people, ``markdown`` for pull requests,
``json`` for machines, ``github`` for annotations, ``yaml`` for project files. They share ``rows`` (the differences of a
schedule), ``headings`` (how a plan begins and which commands come next), ``values`` (fields and counts in words) and
``style`` (colour, Unicode, width). Every format depends on the values alone, so a plan looks the same whether it was
just made or read from a file.
"""
