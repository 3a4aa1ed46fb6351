"""Export of observations in the standard long format, so that what was loaded can be loaded again."""

from __future__ import annotations

import csv
import io
from datetime import date

from rongtong.apps.observations.models import Observation
from rongtong.cells import guard
from rongtong.engine.quantity import Quantity, unit
from rongtong.engine.standard import COLUMNS

HEADER = tuple(c for c in COLUMNS if c != "scope")


def csv_text(as_of: date | None = None) -> str:
    """Every vintage known on `as_of` (default: all), oldest first, values in the unit they were reported in.

    Of several revisions of one day only the last is written: a file may not hold two values for one day.
    """
    rows = Observation.objects.order_by("pk")
    if as_of:
        rows = rows.filter(known_from__lte=as_of)
    last = {_key(o): o.revision for o in rows.filter(revision__gt=0)}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADER)
    for o in rows.iterator(chunk_size=5000):
        if last and o.revision < last.get(_key(o), 0):
            continue
        value = Quantity.stored(o.value, unit(o.unit)).shown()
        texts = (o.source, o.note, o.chain, o.subject, o.funds, o.use, o.edition, o.reason)
        writer.writerow(
            [o.indicator, o.place, o.period, value, o.unit, o.status, o.known_from.isoformat(), *map(guard, texts)]
        )
    return out.getvalue()


def _key(o: Observation) -> tuple[object, ...]:
    return (o.indicator, o.place, o.chain, o.subject, o.funds, o.use, o.period, o.known_from, o.status)
