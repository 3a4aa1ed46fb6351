"""Charts say in words and in colour what they were given, link where they should, and come out the same each time."""

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from rongtong.apps.papers import charts
from rongtong.apps.papers.charts import choropleth, png, ranking_bars, stacked_bar, svg, trend
from rongtong.apps.papers.maplayers import classes
from rongtong.apps.papers.palette import ABOVE, BELOW, DARK, UNREPORTED
from rongtong.apps.papers.shapes import flatten, label_point

SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"


def square(code: str, name: str, west: float, size: float = 1.0) -> dict[str, Any]:
    ring = [[west, 30.0], [west + size, 30.0], [west + size, 30.0 + size], [west, 30.0 + size], [west, 30.0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"code": code, "name": name}, "geometry": geometry}


PLACES = {
    "type": "FeatureCollection",
    "features": [square(c, n, 120.0 + i) for i, (c, n) in enumerate(zip("abc", "甲乙丙", strict=True))],
}
VALUES = {"a": "+18.8", "b": "-2.8"}


def a_map(**given: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {"breaks": ["0", "5", "10"], "middle": "7.7", "title": "各地区同比", "unit": "%", **given}
    return choropleth(PLACES, asked.pop("values", VALUES), **asked)


def regions(drawn: str) -> dict[str, str]:
    """Fill by spoken words of every region."""
    found = {}
    for path in ElementTree.fromstring(drawn).iter(f"{SVG}path"):
        if path.get("aria-roledescription") == "区域":
            found[path.get("aria-label", "")] = path.get("fill", "")
    return found


def texts(drawn: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(drawn).iter(f"{SVG}text")]


def test_the_two_colours_of_a_map_part_at_the_wholes_own_value() -> None:
    bounds, colours = classes(["0", "5", "10", "15"], "7.7", "全省")
    assert list(colours) == ["低于 0", "0 至 5", "5 至 全省 7.7", "全省 7.7 至 10", "10 至 15", "15 及以上"]
    shades = list(colours.values())
    assert set(shades[:3]) <= set(BELOW)
    assert set(shades[3:]) <= set(ABOVE)
    assert [float(bound) for bound in bounds] == [0, 5, 7.7, 10, 15]
    # Further from the middle is always darker.
    assert [BELOW.index(s) for s in shades[:3]] == sorted((BELOW.index(s) for s in shades[:3]), reverse=True)
    assert [ABOVE.index(s) for s in shades[3:]] == sorted(ABOVE.index(s) for s in shades[3:])


@pytest.mark.parametrize(
    ("shown", "step"), [("7.7", "全省 7.7 至 10"), ("7.69", "5 至 全省 7.7"), ("+10.0", "10 及以上")]
)
def test_a_value_on_a_bound_belongs_to_the_class_above_it(shown: str, step: str) -> None:
    spec = a_map(values={"a": shown})
    assert spec["layer"][0]["data"]["values"][0]["properties"]["step"] == step


def test_a_class_is_decided_exactly_where_floats_would_err() -> None:
    # 0.1 + 0.2 is above 0.3 for a float.
    spec = a_map(values={"a": Decimal("0.3")}, breaks=[Decimal("0.1") + Decimal("0.2")], middle=None)
    assert spec["layer"][0]["data"]["values"][0]["properties"]["step"] == "0.3 及以上"


def test_a_region_says_its_name_value_and_class_and_one_without_a_value_is_grey_and_says_so() -> None:
    found = regions(svg(a_map()))
    assert found["甲：+18.8%，10 及以上"] in ABOVE
    assert found["乙：-2.8%，低于 0"] in BELOW
    assert found["丙：未报"] == UNREPORTED


def test_labels_and_legend_show_exactly_what_was_given() -> None:
    shown = texts(svg(a_map(labels={"a": "甲地", "b": "乙地", "c": "丙地"})))
    assert {"甲地", "+18.8%", "乙地", "-2.8%", "丙地", "未报", "%", "全省 7.7 至 10"} <= set(shown)


def test_each_region_is_a_link_that_needs_no_script_and_names_no_other_site() -> None:
    drawn = svg(a_map(links={"a": "/map/a/?p=2025Q1&x=1", "b": "?r=b"}))
    links = [a.get(LINK) for a in ElementTree.fromstring(drawn).iter(f"{SVG}a")]
    assert links == ["/map/a/?p=2025Q1&x=1", "?r=b"]
    assert "<script" not in drawn
    assert set(re.findall(r"https?://[^\"' ]+", drawn)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_the_picture_as_a_whole_speaks_title_and_values_in_chinese() -> None:
    drawn = svg(a_map())
    root = ElementTree.fromstring(drawn)
    assert root.get("role") == "graphics-document"
    said = "各地区同比。全省：7.7%；甲：+18.8%，10 及以上；乙：-2.8%，低于 0；丙：未报。"
    assert root.get("aria-label") == said


@pytest.mark.parametrize(
    "spec",
    [
        a_map(),
        ranking_bars([("甲", "8"), ("乙", None)], middle="7", title="位次", unit="%"),
        trend([("甲", "8"), ("乙", "9")], [("丙", "1", "2", "3")], title="趋势", unit="亿元"),
        stacked_bar([("甲", {"基期": "8"})], parts=["基期"], totals={"甲": "8"}, title="分解", unit="亿元"),
    ],
    ids=["map", "bars", "trend", "stack"],
)
def test_nothing_spoken_in_any_chart_is_in_english(spec: dict[str, Any]) -> None:
    spoken = re.findall(r'aria-(?:label|roledescription)="([^"]*)"', svg(spec))
    assert len(spoken) > 3
    assert not [words for words in spoken if re.search(r"[A-Za-z]{3}", words)]


@pytest.mark.parametrize("width", [430, 200])
def test_a_label_can_be_read_on_its_fill(width: int) -> None:
    values = {"a": "30", "b": "20", "c": "-20"}
    spec = a_map(values=values, breaks=["0", "2", "4", "10", "20", "25"], width=width, height=width)
    points = [layer["data"]["values"] for layer in spec["layer"][1:]][-1]
    fills = dict(zip("甲乙丙", regions(svg(spec)).values(), strict=True))
    assert DARK & set(fills.values())
    for point in points:
        assert point["ink"] == ("white" if fills[point["name"]] in DARK and not point["tight"] else "#14212b")


def test_a_label_too_large_for_its_region_has_a_white_rim_and_is_left_out_on_a_crowded_map() -> None:
    few = {"features": [square("a", "甲", 120.0), square("b", "乙", 122.0, 0.05)]}
    layers = choropleth(few, {}, breaks=["0"], middle=None, title="图", unit="%")["layer"]
    rims = [layer for layer in layers if layer["mark"].get("stroke") == "white" and layer["mark"]["type"] == "text"]
    assert [point["name"] for point in rims[0]["data"]["values"]] == ["乙"]
    many = {"features": [square(str(i), f"区{i}", 120.0 + i, 0.1) for i in range(21)]}
    layers = choropleth(many, {}, breaks=["0"], middle=None, title="图", unit="%")["layer"]
    assert layers[-1]["data"]["values"] == []


def test_a_label_stands_inside_its_region_even_when_the_centre_does_not() -> None:
    ring = [[0, 0], [4, 0], [4, 3], [3, 3], [3, 1], [1, 1], [1, 3], [0, 3], [0, 0]]
    (flat,), shrink = flatten([{"geometry": {"type": "Polygon", "coordinates": [ring]}}])
    x, y, free = label_point(flat)
    longitude = x / shrink
    assert free > 0
    assert (0 < longitude < 4 and 0 < y < 1) or ((0 < longitude < 1 or 3 < longitude < 4) and 0 < y < 3)


def test_a_given_label_point_is_used() -> None:
    place = square("a", "甲", 120.0)
    place["properties"]["label_point"] = [120.25, 30.75]
    layer = choropleth({"features": [place]}, {}, breaks=["0"], middle=None, title="图", unit="%")["layer"][-1]
    assert layer["data"]["values"][0]["y"] == 30.75


def test_bars_are_ranked_with_ties_as_given_and_what_is_missing_last() -> None:
    spec = ranking_bars(
        [("甲", None), ("乙", "+8.8"), ("丙", "-2.8"), ("丁", "+8.8")], middle="7.7", title="位次", unit="%"
    )
    rows = spec["layer"][0]["data"]["values"]
    assert [row["name"] for row in rows] == ["乙", "丁", "丙", "甲"]
    assert [row["said"] for row in rows] == ["乙：+8.8%", "丁：+8.8%", "丙：-2.8%", "甲：未报"]
    shown = texts(svg(spec))
    assert {"+8.8", "-2.8", "未报", "全省 7.7"} <= set(shown)


def test_a_trend_breaks_where_a_value_is_missing_and_forecasts_inside_a_band() -> None:
    spec = trend(
        [("2024 Q3", "905"), ("2024 Q4", None), ("2025 Q1", "851.36"), ("2025 Q2", "900")],
        [("2025 Q3", "930", "968", "1000")],
        title="趋势",
        unit="亿元",
    )
    drawn = svg(spec)
    shown = texts(drawn)
    assert shown.count("2025") == 0  # the year stands in the same text as its quarter
    assert [text for text in shown if text.startswith("Q")] == ["Q32024", "Q4", "Q12025", "Q2", "Q3"]
    paths = {
        p.get("aria-roledescription") or p.get("stroke-dasharray"): p
        for p in ElementTree.fromstring(drawn).iter(f"{SVG}path")
    }
    assert "5,4" in paths
    solid = next(p for p in ElementTree.fromstring(drawn).iter(f"{SVG}path") if p.get("stroke") == "#14212b")
    assert solid.get("d", "").count("M") == 2
    assert "2024 Q4：未报" in spec["description"]
    assert "2025 Q3：预测968，区间930至1000" in spec["description"]


def test_a_stacked_bar_sets_what_is_taken_off_to_the_left_and_writes_the_total_beside_it() -> None:
    rows = [("甲", {"基期": "100", "权重分摊": "20", "上限削减": "-5"}), ("乙", {"基期": "50"})]
    parts = ["基期", "权重分摊", "上限削减"]
    spec = stacked_bar(rows, parts=parts, totals={"甲": "115", "乙": "50"}, title="分解", unit="亿元")
    drawn = svg(spec)
    assert {"115", "50", "基期", "权重分摊", "上限削减"} <= set(texts(drawn))
    bars = {
        path.get("aria-label"): float(re.match(r"M(-?[\d.]+)", path.get("d", "")).group(1))  # type: ignore[union-attr]
        for path in ElementTree.fromstring(drawn).iter(f"{SVG}path")
        if path.get("aria-roledescription") == "条形"
    }
    assert bars["甲，上限削减：-5亿元"] < bars["甲，基期：100亿元"] < bars["甲，权重分摊：20亿元"]


def test_a_value_that_is_no_number_is_named() -> None:
    with pytest.raises(ValueError, match="甲的值是“约五”，不是数字"):
        a_map(values={"a": "约五"})
    with pytest.raises(ValueError, match="分档为空"):
        a_map(breaks=[], middle=None)


def test_the_same_chart_gives_the_same_svg_and_png_in_another_process() -> None:
    spec = a_map()
    assert svg(spec) == svg(spec)
    code = (
        "import json, sys, hashlib; from rongtong.apps.papers.charts import png, svg; spec = json.load(sys.stdin);"
        "print(hashlib.sha256(svg(spec).encode() + png(spec)).hexdigest())"
    )
    import hashlib
    import json

    source = Path(charts.__file__).parents[3]
    made = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(spec),
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(source)},
    )
    assert made.stdout.strip() == hashlib.sha256(svg(spec).encode() + png(spec)).hexdigest()


def test_a_png_is_drawn_in_our_own_font_at_the_scale_asked_for() -> None:
    single, double = png(a_map(), 1), png(a_map(), 2)
    assert single.startswith(b"\x89PNG")
    width = [int.from_bytes(data[16:20], "big") for data in (single, double)]
    assert abs(width[1] - 2 * width[0]) <= 1


def test_our_font_holds_the_lamps_and_the_common_characters() -> None:
    """Drawn with our family alone, each character has ink of its own and none is the empty box of a missing one."""

    def ink(character: str) -> bytes:
        mark = {"type": "text", "font": "Rongtong Sans", "fontSize": 20}
        return png({"width": 30, "height": 30, "data": {"values": [{}]}, "mark": {**mark, "text": character}})

    drawn = {character: ink(character) for character in "●▲■◆○未报衢瓯鄞〔℃—·龘"}
    missing = drawn.pop("龘")
    assert len(set(drawn.values())) == len(drawn)
    assert missing not in drawn.values()


def test_what_belongs_to_no_bar_stands_below_all_of_them() -> None:
    spec = ranking_bars([("甲", "2"), ("乙", None)], middle=None, title="构成", unit="亿元", rest=("差额", "-9"))
    rows = spec["layer"][0]["data"]["values"]
    assert [row["name"] for row in rows] == ["甲", "乙", "差额"]
    assert rows[-1]["said"] == "差额：-9亿元"
