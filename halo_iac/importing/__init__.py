"""Import: schedules of the platform → entries whose plan is empty (docs/semantics.md#import).

``entries`` selects the schedules, writes each entry in full, and checks with a plan which entries do not round-trip;
``layout`` omits what ``defaults`` give and moves prompts to files. A schedule that cannot be declared is left out and
reported.
"""
