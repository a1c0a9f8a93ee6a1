"""Render: a value of any stage in, text out; nothing here prints, asks or has a clock.

One module or package a format, each with a function a value: ``text`` for people, ``markdown`` for pull requests,
``json`` for machines, ``github`` for annotations, ``yaml`` for project files. They share ``rows`` (what differs about a
schedule), ``headings`` (how a plan begins and which commands come next), ``values`` (fields and counts in words) and
``style`` (colour, Unicode, width). Every format is made from the values alone, so a plan looks the same whether it was
just made or read back from a file.
"""
