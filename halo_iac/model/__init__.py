"""The values that all parts share: frozen, without I/O and without a clock.

``schedule`` is the comparable form of both sides and has the table of fields; ``project`` is what people declare,
``remote`` what the platform holds, ``plan`` what would change, ``finding`` what a rule has found, ``apply_result`` what
came of an apply, ``receipt`` what is kept of that, and ``runs`` the runs and reports that a schedule makes.
"""
