"""A refusal of the API in two languages: the particulars in Chinese, what sort of refusal it is and what to do in English."""

from __future__ import annotations

# Sorts of refusal that several places give: the Chinese words are the caller's, these are the English ones.
LOG_IN = "Log in first."
NOT_ALLOWED = "Your account may not do this here: it has no role that allows it at this place."
FIRST_STEPS = "Finish the login on the pages first: change the first password, or set up one-time codes."
ABSENT = "There is no such thing, or it is not yours to read."
FORM = "The step's form is not filled in as asked: compare the fields with GET /api/processes and `offers` of the case."
MOVED = "The step cannot be made now: the case has moved on, or a guard forbids it. Read the case again."
NOT_OPENED = (
    "The case cannot be opened so: its process begins elsewhere, the case it belongs under does not take it now, or its "
    "Idempotency-Key was used for another one."
)

# What is refused before anything is read: status → words.
UNREAD = {
    400: "The request holds text that cannot be kept, such as a null character or half a surrogate pair.",
    411: "State the length of the body (Content-Length).",
    413: "The body is larger than this address takes.",
}


def body(error: str, error_en: str) -> dict[str, str]:
    """The body of a refusal."""
    return {"error": error, "error_en": error_en}
