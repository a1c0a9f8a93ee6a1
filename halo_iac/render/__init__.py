"""Render: a value of any stage in, text out; nothing here prints, asks or has a clock.

One module or package a format, each with a function a value: ``text`` for people, ``json`` for machines. What they
share stands beside them: ``rows`` are what differs about a schedule, ``header`` and ``counts`` how a plan begins and
ends, ``style`` says what the reader's screen can show, ``safe`` makes foreign words harmless. Every format draws from
the values alone, so a plan looks the same whether it was just made or read back from a file.
"""
