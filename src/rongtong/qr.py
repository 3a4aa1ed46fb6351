"""QR codes (二维码) as SVG for pages and paper."""

from __future__ import annotations

import io


def svg(text: str) -> str:
    """A text as an SVG picture with presentation attributes only, so that the pages' policy lets it through."""
    import segno

    out = io.BytesIO()
    # Level M: a code still reads when a fold or a stamp hides a seventh of it.
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", scale=5, xmldecl=False, nl=False, svgclass=None, lineclass=None
    )
    return out.getvalue().decode("utf-8")
