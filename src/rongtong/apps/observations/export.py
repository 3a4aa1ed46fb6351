"""Export of observations in the standard long format, so that what was loaded can be loaded again."""

from __future__ import annotations

import csv
import io
from datetime import date

from rongtong.apps.observations.models import Observation
from rongtong.engine.quantity import Quantity, unit
from rongtong.engine.standard import COLUMNS

HEADER = tuple(c for c in COLUMNS if c != "scope")


def guarded(text: str) -> str:
    """Text that no spreadsheet runs as a formula (a leading = + - @ is preceded by an apostrophe)."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def csv_text(as_of: date | None = None) -> str:
    """Every vintage known on `as_of` (default: all), oldest first, values in the unit they were reported in."""
    rows = Observation.objects.order_by("pk")
    if as_of:
        rows = rows.filter(known_from__lte=as_of)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    for o in rows.iterator(chunk_size=5000):
        value = Quantity.stored(o.value, unit(o.unit)).shown()
        texts = (o.source, o.note, o.chain, o.subject, o.funds, o.use, o.edition, o.reason)
        writer.writerow(
            [o.indicator, o.place, o.period, value, o.unit, o.status, o.known_from.isoformat(), *map(guarded, texts)]
        )
    return out.getvalue()
