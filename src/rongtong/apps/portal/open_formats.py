"""The published data as files: plain CSV, SDMX-CSV 2.0, JSON, and the catalogue in DCAT 3."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any

from rongtong.apps.portal.open_queries import Cell, Dataset
from rongtong.cells import guard
from rongtong.engine.pack.read import Pack
from rongtong.engine.period import Period
from rongtong.engine.quantity import unit

# OBS_STATUS of the SDMX cross-domain code list (CL_OBS_STATUS 2.2). A generated value is none of a statistician's kinds:
# it is given as G (experimental) and named in COMMENT_OBS.
OBS_STATUS = {
    "actual": "A",
    "recorded": "A",
    "revised": "A",
    "flash": "P",
    "preliminary": "P",
    "estimate": "E",
    "forecast": "F",
    "synthetic": "G",
}
CONF_STATUS = {"": "F", "small": "C", "secondary": "D"}
FREQUENCY = {"year": "A", "half": "S", "quarter": "Q", "month": "M"}
# Where a card is reported in several rhythms the catalogue gives the shortest.
RHYTHM = ("month", "quarter", "half", "year")
UNIT_MEASURE = {"money": "CNY", "ratio": "PT", "point": "PT", "person": "PS", "person_year": "FTE"}
LICENCE = "https://creativecommons.org/publicdomain/zero/1.0/"
Link = Callable[..., str]


def plain_csv(data: Dataset) -> str:
    """One row per place and period, headed in Chinese and English codes a spreadsheet shows side by side."""
    head = ("indicator", "place", "place_name", "period", "value", "unit", "status", "known_from", "source")
    return _csv(
        head,
        (
            (data.card.code, c.place, guard(c.name), str(c.period), c.exact or c.text, data.card.unit, c.status,
             c.known_from.isoformat(), guard(c.source))
            for c in data.cells
        ),
    )  # fmt: skip


def sdmx_csv(data: Dataset) -> str:
    """SDMX-CSV 2.0: the dataflow is the card; a hidden value is empty with its confidentiality status."""
    head = ("STRUCTURE", "STRUCTURE_ID", "ACTION", "FREQ", "REF_AREA", "TIME_PERIOD", "OBS_VALUE", "UNIT_MEASURE",
            "UNIT_MULT", "OBS_STATUS", "CONF_STATUS", "COMMENT_OBS")  # fmt: skip
    measure, power = sdmx_unit(data.card.unit)
    flow = f"RONGTONG:{data.card.code.upper()}(1.0)"
    return _csv(
        head,
        (
            ("dataflow", flow, "R", FREQUENCY.get(c.period.kind, "_O"), c.place, sdmx_period(c.period), c.exact,
             measure, power, OBS_STATUS[c.status], CONF_STATUS[c.hidden],
             "generated for demonstration" if c.status == "synthetic" else "")
            for c in data.cells
        ),
    )  # fmt: skip


def as_json(data: Dataset) -> dict[str, Any]:
    """The dataset with its meaning; numbers are strings, a hidden one is null."""
    return {
        "indicator": data.card.code,
        "name": data.card.name,
        "name_en": data.card.name_en,
        "definition": data.card.definition,
        "unit": data.card.unit,
        "scope": data.card.scope,
        "modified": data.modified.isoformat(),
        "observations": [_observation(c) for c in data.cells],
    }


def _observation(cell: Cell) -> dict[str, Any]:
    return {
        "figure": cell.figure,
        "place": cell.place,
        "name": cell.name,
        "period": str(cell.period),
        "value": cell.exact or None,
        "shown": cell.text,
        "status": cell.status,
        "synthetic": cell.status == "synthetic",
        "known_from": cell.known_from.isoformat(),
        "source": cell.source,
    }


def sdmx_period(period: Period) -> str:
    """A period as SDMX writes it: 2025, 2025-S1, 2025-Q1, 2025-03, else start and length (2025-01-01/P9M)."""
    if period.kind in ("half", "quarter"):
        return str(period).replace("H", "-S").replace("Q", "-Q")
    return str(period) if period.kind in FREQUENCY else f"{period.first_day}/P{period.months}M"


def sdmx_unit(symbol: str) -> tuple[str, str]:
    """(UNIT_MEASURE, UNIT_MULT) of a unit: 亿元 is CNY at 10 to the 8th, % is PT."""
    found = unit(symbol)
    measure = UNIT_MEASURE.get(found.dimension.name, "NUMBER")
    if symbol == "1":
        measure = "PURE_NUMB"
    return measure, str(len(str(int(found.factor))) - 1) if found.factor >= 1 else "0"


def catalogue(datasets: Iterable[Dataset], pack: Pack, link: Link) -> dict[str, Any]:
    """The catalogue as JSON-LD (W3C DCAT 3). `link(name, *arguments)` gives the absolute address of a page."""
    found = tuple(datasets)
    place = pack.places.name(pack.manifest.root_place)
    publisher = {
        "@type": "foaf:Agent",
        "foaf:name": _both(f"{place}科技主管部门", "the science and technology authority"),
    }
    return {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dcterms": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "vcard": "http://www.w3.org/2006/vcard/ns#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@id": link("open-catalogue"),
        "@type": "dcat:Catalog",
        "dcterms:title": _both(f"{place}创新指标公开数据", "Open data of innovation indicators"),
        "dcterms:description": _both(
            "公开（L1）的指标：含义、单位、口径、各期数值与来源。",
            "Open (L1) indicators: meaning, unit, values and sources.",
        ),
        "dcterms:publisher": publisher,
        "dcat:contactPoint": _contact(),
        "dcterms:license": {"@id": LICENCE},
        "dcterms:rights": pack.manifest.licence,
        "dcterms:language": ["zh", "en"],
        "foaf:homepage": {"@id": link("open")},
        "dcterms:modified": _day(max(d.modified for d in found)) if found else None,
        "dcat:dataset": [{**_entry(d, link), "dcterms:publisher": publisher} for d in found],
    }


def _entry(data: Dataset, link: Link) -> dict[str, Any]:
    card, (first, last) = data.card, data.span
    rhythm = next((r for r in RHYTHM if r in card.frequency), "")
    page = link("open-indicator", card.code)
    entry: dict[str, Any] = {
        "@id": page,
        "@type": "dcat:Dataset",
        "dcterms:identifier": card.code,
        "dcterms:title": _both(card.name, card.name_en or card.name),
        "dcterms:description": {"@value": card.definition, "@language": "zh"},
        "dcat:contactPoint": _contact(),
        "dcterms:license": {"@id": LICENCE},
        "dcat:landingPage": {"@id": page},
        "dcat:keyword": [_tag(data.scope, "zh")]
        + ([_tag("generated for demonstration", "en")] if data.synthetic else []),
        "dcterms:modified": _day(data.modified),
        "dcterms:spatial": sorted({c.place for c in data.cells}),
        "dcterms:temporal": {
            "@type": "dcterms:PeriodOfTime",
            "dcat:startDate": _day(first),
            "dcat:endDate": _day(last),
        },
        "dcat:distribution": [
            _distribution(link("open-csv", card.code), "CSV", "text/csv"),
            _distribution(link("open-sdmx", card.code), "SDMX-CSV 2.0", "application/vnd.sdmx.data+csv"),
            _distribution(link("open-json", card.code), "JSON", "application/json"),
        ],
    }
    if rhythm:
        code = f"http://purl.org/linked-data/sdmx/2009/code#freq-{FREQUENCY[rhythm]}"
        entry["dcterms:accrualPeriodicity"] = {"@id": code}
    return entry


def _distribution(address: str, name: str, media: str) -> dict[str, Any]:
    return {
        "@type": "dcat:Distribution",
        "@id": address,
        "dcterms:title": name,
        "dcat:downloadURL": {"@id": address},
        "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{media}"},
        "dcterms:license": {"@id": LICENCE},
    }


def _contact() -> dict[str, Any]:
    # The office that runs the instance puts its own here; the address is the one reserved for examples.
    return {
        "@type": "vcard:Organization",
        "vcard:fn": _both("数据联系处室（由使用单位填写）", "Data contact (to be named by the operating office)"),
        "vcard:hasEmail": {"@id": "mailto:contact@example.org"},
    }


def _both(chinese: str, english: str) -> list[dict[str, str]]:
    return [_tag(chinese, "zh"), _tag(english, "en")]


def _tag(text: str, language: str) -> dict[str, str]:
    return {"@value": text, "@language": language}


def _day(day: Any) -> dict[str, str]:
    return {"@value": day.isoformat(), "@type": "xsd:date"}


def _csv(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()
