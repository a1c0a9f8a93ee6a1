"""The analyst computes a report from spans. It is pure: it reads no file and no clock, and imports no other package.

**span → trace → figures → fixes → report**, and ``answers`` for follow-up questions. Figures are counted in
``metrics``, ``failures``, ``tool_calls`` and ``model_usage``, one class per figure, each accumulating traces;
``report_sections`` writes the report. The same spans give the same report, byte for byte, in whatever order they come.
"""

from halo_iac.sandbox.analyst.analysis import analyse, analyse_traces, render_report
from halo_iac.sandbox.analyst.answers import answer
from halo_iac.sandbox.analyst.figures import Figures, Window
from halo_iac.sandbox.analyst.spans import AgentIdentity, Link, Span, attribute
from halo_iac.sandbox.analyst.traces import Node, Trace

__all__ = [
    "AgentIdentity",
    "Figures",
    "Link",
    "Node",
    "Span",
    "Trace",
    "Window",
    "analyse",
    "analyse_traces",
    "answer",
    "attribute",
    "render_report",
]
