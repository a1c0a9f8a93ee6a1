"""The nouns: frozen values without I/O and without a clock.

``schedule`` is the comparable form both sides are projected onto; ``project`` is what people declare, ``remote`` what
the platform holds, ``change`` the plan, ``finding`` what is odd in it, ``outcome`` what came of applying it,
``receipt`` what is kept of that; ``run`` and ``report`` are what a schedule makes.
"""
