"""Reading what the papers remember."""

from __future__ import annotations

from rongtong.apps.papers.models import Issue, Note


def notes(paper: str, period: str) -> dict[str, str]:
    """Section → the newest text an officer wrote for it."""
    rows = Note.objects.filter(paper=paper, period=period).order_by("pk").values_list("section", "text")
    return {section: text for section, text in dict(rows).items() if text.strip()}


def newest_issue(paper: str, period: str, place: str = "", use: str = "") -> Issue | None:
    """The paper of this kind made last, or None."""
    return Issue.objects.filter(paper=paper, period=period, place=place, use=use).order_by("-pk").first()
