"""The standard long layout (标准长表) of a file of observations: one value a row, the columns any importer and writer use."""

from __future__ import annotations

# field → its headings; the first is the one that the template and the error messages use
COLUMNS: dict[str, tuple[str, ...]] = {
    "indicator": ("指标", "indicator"),
    "place": ("地区", "place"),
    "period": ("期", "period"),
    "value": ("数值", "value"),
    "unit": ("单位", "unit"),
    "status": ("状态", "status"),
    "known_from": ("发布日期", "known_from"),
    "source": ("来源", "source"),
    "note": ("说明", "note"),
    "chain": ("产业链", "chain"),
    "subject": ("主体类型", "subject"),
    "funds": ("资金来源", "funds"),
    "use": ("用途", "use"),
    "scope": ("口径", "scope"),
    "edition": ("区划版本", "edition"),
    "reason": ("核实说明", "reason"),
}
REQUIRED = ("indicator", "place", "period", "value", "unit", "status", "known_from")
