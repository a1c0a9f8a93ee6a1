"""Render: a value of any stage in, text out; nothing here prints, asks or has a clock.

One module a format, each with a function a value: ``text`` for people, ``json`` for machines. ``style`` says what the
reader's screen can show, ``safe`` makes foreign words harmless. Every format draws from the values alone, so a plan
looks the same whether it was just made or read back from a file.
"""
