"""Server-made SVG as a page holds it: no style attributes, links with their place, short coordinates, words beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
NUMBER = r"-?\d+(?:\.\d+)?"
STEP = re.compile(rf"([ML])({NUMBER}),({NUMBER})|(Z)")
STRAIGHT = re.compile(rf"(?:[ML]{NUMBER},{NUMBER}|Z)+")
LONG = re.compile(r"-?\d+\.\d{2,}")
ElementTree.register_namespace("", SVG)


def embed(drawn: str, *, label: str, role: str = "img", places: Mapping[str, str] | None = None) -> str:
    """`drawn` for a page: named by the element `label` and described by `label`-said.

    `places`: address of a link → place code, written as `data-place`. A link takes the words of its region.
    """
    root = ElementTree.fromstring(drawn)
    for name in ("width", "height", "aria-label", "aria-roledescription", "version"):
        root.attrib.pop(name, None)
    root.attrib.update(
        {
            "role": role,
            "aria-labelledby": label,
            "aria-describedby": f"{label}-said",
            "class": "chart",
        }
    )
    background = root.find(f"{{{SVG}}}rect")
    if background is not None:
        root.remove(background)
    for element in root.iter():
        _plain(element)
        if element.tag == f"{{{SVG}}}a":
            _link(element, places or {})
    return ElementTree.tostring(root, encoding="unicode")


def _plain(element: ElementTree.Element) -> None:
    """Declarations of `style` become attributes; long coordinates are cut to a tenth of a pixel."""
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = declaration.partition(":")
        if value:
            element.set(name.strip(), value.strip())
    if "transform" in element.attrib:
        element.set("transform", _cut(element.attrib["transform"]))
    if "d" in element.attrib:
        element.set("d", _path(element.attrib["d"]))


def _cut(text: str) -> str:
    return LONG.sub(lambda m: f"{float(m.group()):.1f}".removesuffix(".0"), text)


def _path(data: str) -> str:
    """A path of straight lines in steps from point to point; anything else with short coordinates only."""
    if not STRAIGHT.fullmatch(data):
        return _cut(data)
    out: list[str] = []
    x = y = 0
    for command, right, down, _ in STEP.findall(data):
        if not command:
            out.append("Z")
            continue
        to_x, to_y = round(float(right) * 10), round(float(down) * 10)
        if command == "M":
            out.append(f"M{_tenths(to_x)},{_tenths(to_y)}l")
        elif (to_x, to_y) != (x, y):
            out.append(f"{_tenths(to_x - x)},{_tenths(to_y - y)} ")
        x, y = to_x, to_y
    return "".join(out).replace(" Z", "Z").replace("lZ", "Z").removesuffix("l").strip()


def _tenths(value: int) -> str:
    whole, rest = divmod(abs(value), 10)
    return ("-" if value < 0 else "") + (f"{whole}.{rest}" if rest else str(whole))


def _link(element: ElementTree.Element, places: Mapping[str, str]) -> None:
    address = element.attrib.pop(XLINK, "")
    element.set("href", address)
    if address in places:
        element.set("data-place", places[address])
        element.set("class", "region")
    for path in element:
        said = path.attrib.pop("aria-label", "")
        path.attrib.pop("aria-roledescription", None)
        path.attrib.pop("role", None)
        if said:
            element.set("aria-label", said)
