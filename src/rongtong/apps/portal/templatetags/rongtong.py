"""Tags of every page: lamps, figures linked to their chain, progress bars, names of places."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from rongtong.apps.packs import queries as packs
from rongtong.engine.figure import Figure
from rongtong.engine.pace import SHAPES, WORDS, Lamp

register = template.Library()

SYNTHETIC = format_html(' <span class="tag">{}</span>', "演示数据")
NOTHING = SafeString("")
SIGNED = ("yoy", "gap")


@register.simple_tag
def lamp(value: Lamp | str | None, word: str = "") -> SafeString:
    """A lamp as shape, word and colour, from a Lamp or a code; `word` replaces the usual one. Nothing for None or ""."""
    if not value:
        return NOTHING
    code = value if isinstance(value, str) else value.code
    why = "" if isinstance(value, str) else f"{value.basis}；{value.case}"
    return format_html(
        '<span class="lamp {}"{}><span aria-hidden="true">{}</span> {}</span>',
        code,
        format_html(' title="{}"', why) if why else NOTHING,
        SHAPES[code],
        word or WORDS[code],
    )


@register.simple_tag
def figure(value: Figure | None, unit: bool = True, missing: str = "未报", mark: bool = True) -> SafeString:
    """A figure's text and unit linked to its chain; the word `missing` for None.

    A generated one is marked, unless the table it stands in is marked as a whole (`mark=False`).
    """
    if not isinstance(value, Figure):
        return format_html('<span class="note">{}</span>', missing)
    shown = unit_word(str(value.unit)) if unit else ""
    return format_html(
        '<a class="figure" href="{}">{}</a>{}{}',
        _why(value.id),
        value.text,
        format_html(' <span class="unit">{}</span>', shown) if shown else NOTHING,
        SYNTHETIC if mark and value.status == "synthetic" else NOTHING,
    )


@register.simple_tag
def measure(figures: Mapping[str, Figure], name: str) -> SafeString:
    """One measure of a row as a number linked to its chain; growth and gaps with their sign; nothing where there is none."""
    value = figures.get(name)
    if value is None:
        return format_html('<span class="note">{}</span>', "未报") if name == "value" else NOTHING
    text = signed(value) if name in SIGNED else value.text
    return format_html('<a class="figure" href="{}">{}</a>', _why(value.id), text)


@lru_cache(maxsize=8192)
def _why(figure_id: str) -> str:
    return reverse("why", args=[figure_id])


@register.simple_tag
def synthetic(status: str) -> SafeString:
    """The mark of generated figures where `status` is synthetic, else nothing."""
    return SYNTHETIC if status == "synthetic" else NOTHING


@register.simple_tag
def bar(completion: Figure | str | None, baseline: Figure | str | None = None) -> SafeString:
    """Progress in percent as a bar, with a tick where it is due by now; nothing for None."""
    if completion is None or completion == "":
        return NOTHING
    done, due = _percent(completion) or Fraction(0), _percent(baseline)
    full = max(Fraction(100), done, due or Fraction(0))
    said = f"完成 {_text(completion)}%" + (f"，应达 {_text(baseline)}%" if due is not None else "")
    tick = NOTHING
    if due is not None:
        tick = format_html('<rect class="tick" x="{}%" y="0" width="2" height="12"/>', _length(due / full))
    return format_html(
        '<svg class="bar" role="img" aria-label="{}" width="100%" height="12">'
        '<rect class="track" y="3" width="100%" height="6" rx="3"/>'
        '<rect class="done" y="3" width="{}%" height="6" rx="3"/>{}</svg>',
        said,
        _length(max(done, Fraction(0)) / full),
        tick,
    )


def _text(value: Figure | str | None) -> str:
    return value.text if isinstance(value, Figure) else str(value)


def _percent(value: Figure | str | None) -> Fraction | None:
    if value is None or value == "":
        return None
    return value.number if isinstance(value, Figure) else Fraction(value.removesuffix("%"))


def _length(share: Fraction) -> str:
    return f"{float(share * 100):.2f}"


@register.simple_tag(takes_context=True)
def place_name(context: template.Context, code: str) -> str:
    """The short name of a place; the packs are asked once per request."""
    if not code:
        return "全域"
    request = context.get("request")
    pack = getattr(request, "pack_in_force", None)
    if pack is None:
        try:
            pack = packs.current()
        except packs.NoPack:
            return code
        if request is not None:
            request.pack_in_force = pack
    return str(pack.places.name(code))


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """The query string of the page with some values changed; None or "" takes one out."""
    values = context["request"].GET.copy()
    for name, value in changes.items():
        values.pop(name, None)
        if value not in (None, ""):
            values[name] = str(value)
    return str(values.urlencode())


@register.filter
def unit_word(symbol: str) -> str:
    """A unit as it stands beside a number: a number without dimension has none."""
    return "" if symbol == "1" else symbol


@register.filter
def signed(value: Figure | str | None) -> str:
    """Growth as shown with its sign: +8.8, -2.8, 0.0."""
    if value is None or value == "":
        return ""
    text = _text(value)
    return f"+{text}" if Fraction(text) > 0 else text
