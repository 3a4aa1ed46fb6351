"""Layouts (版式) beside the pack's: what offices taught, kept version by version, readable as the pack's own `Source`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rongtong import clock
from rongtong.apps.observations.models import OfficeSource
from rongtong.apps.records.actions import act
from rongtong.apps.registry.models import Account
from rongtong.engine.lazy import LazyModule
from rongtong.engine.pack.model import Source

yaml: Any = LazyModule("yaml")
SAVE = "observations.save_source"


def office_sources() -> tuple[Source, ...]:
    """The last version of every layout an office taught."""
    last = {row.code: row.spec for row in OfficeSource.objects.order_by("code", "version")}
    return tuple(Source.model_validate_json(spec) for spec in last.values())


def save_source(source: Source, *, actor: Account, place: str) -> OfficeSource:
    """Keep a layout as the next version of its code; the same again keeps nothing new. Raises Denied."""
    spec = source.model_dump_json(exclude_defaults=True)
    with act(SAVE, actor=actor, place=place, subject=f"source:{source.code}") as done:
        last = OfficeSource.objects.select_for_update().filter(code=source.code).order_by("-version").first()
        if last is not None and last.spec == spec:
            done.payload = {"version": last.version, "same": True}
            return last
        made = OfficeSource.objects.create(
            code=source.code,
            version=last.version + 1 if last else 1,
            name=source.name,
            spec=spec,
            saved_at=clock.now(),
            saved_by=actor,
        )
        done.payload = {"version": made.version, "name": made.name}
    return made


def as_yaml(source: Source) -> str:
    """The layout as `sources/<code>.yaml` of a pack."""
    plain: Mapping[str, Any] = source.model_dump(mode="json", exclude_defaults=True)
    return str(yaml.safe_dump(plain, allow_unicode=True, sort_keys=False, width=120))
