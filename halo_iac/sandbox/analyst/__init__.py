"""The analyst computes a report from spans. It is pure: it reads no file and no clock, and imports no other package.

**span → trace → figures → fixes → report**, and ``answers`` for follow-up questions. Figures are counted in
``metrics``, ``failures``, ``tool_calls`` and ``model_usage``, one class per figure, each accumulating traces;
``report_sections`` writes the report. The same spans give the same report, byte for byte, in whatever order they come.
"""
