"""How long the platform asks to wait, in both forms of Retry-After."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from halo_iac.api.response_hints import retry_after

NOW = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("999999999999999999999999", 86400.0),
        ("Sun, 01 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Nov 2026 12:00:30 -0000", 30.0),
        ("Sun, 01 Nov 2026 11:59:00 GMT", 0.0),
        ("Sun, 01 Nov 2099 12:00:00 GMT", 86400.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", 1.5),
        ("0.0", 0.0),
        ("1.", 1.0),
        (".5", None),
        ("1.5.5", None),
        ("1e3", None),
        ("inf", None),
        ("٣", None),
        ("Sun, 99 Nov 2026 12:00:30 GMT", None),
        ("Sun, 01 Nov 99999999999 12:00:30 GMT", None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after({} if header is None else {"retry-after": header}, NOW) == seconds


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [("Sun, 01 Nov 2026 13:00:00 GMT", 30.0), ("Sun, 01 Nov 2026 13:00:40 GMT", 0.0), ("now", 3630.0)],
)
def test_a_date_counts_from_the_answers_own_clock_where_it_tells_it(sent: str, seconds: float) -> None:
    """This machine is an hour behind."""
    assert retry_after({"retry-after": "Sun, 01 Nov 2026 13:00:30 GMT", "date": sent}, NOW) == seconds
