"""Text for people: plain lines, written once, coloured where there is a terminal (performance.md, Text).

A table of a thousand rows from rich takes a thousand times as long as one string, so nothing here is drawn with it.
"""

from halo_iac.render.text.outcome import event_line, summary_text
from halo_iac.render.text.plan import plan_text
from halo_iac.render.text.table import record, table

__all__ = ["event_line", "plan_text", "record", "summary_text", "table"]
