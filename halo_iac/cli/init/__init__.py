"""The questions of ``halo init``, and the pipeline that it writes."""
