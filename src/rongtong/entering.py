"""What a request may bring: so many bytes, and text that every store can hold. Nothing else reaches a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, TypeVar

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve

from rongtong import refusal
from rongtong.typed import number, storable
from rongtong.uploads import LARGEST, MOST_FILES

View = TypeVar("View", bound=Callable[..., HttpResponse])
MEGABYTE = 1024 * 1024
# The largest body: of an address that takes no file, and of one that does; the rest of its form fits beside the files.
LARGEST_FORM = MEGABYTE
LARGEST_BODY = MOST_FILES * LARGEST + LARGEST_FORM
TOO_LARGE = "送来的内容有 {size} MB，这个地址最多收 {most} MB，没有接收。请减少内容；是文件的，请拆分或压缩后再传。"
NO_LENGTH = "送来的内容没有说明长度（Content-Length），没有接收。请让程序或代理带上长度再发。"
UNSTORABLE = "送来的内容里有空字符或不成对的代理码位，存不下，没有接收。请删去看不见的字符再提交。"


def takes_files(view: View) -> View:
    """Mark a view whose form carries files: its address takes a body of up to LARGEST_BODY."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


class Entering:
    """Refuses a body that is too large before any of it is read, and text that no store holds, in words.

    Must come before all that reads the form or looks a cookie up.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refused = _size(request) or _text(request)
        return refused or self.get_response(request)


def _size(request: HttpRequest) -> HttpResponse | None:
    size = number(request.META.get("CONTENT_LENGTH") or "0")
    if size is None or "HTTP_TRANSFER_ENCODING" in request.META:
        return _refusal(request, HTTPStatus.LENGTH_REQUIRED, NO_LENGTH)
    if size <= LARGEST_FORM or size <= (most := _most(request.path)):
        return None
    return _too_large(request, size, most)


def _too_large(request: HttpRequest, size: int, most: int) -> HttpResponse:
    words = TOO_LARGE.format(size=-(-size // MEGABYTE), most=most // MEGABYTE)
    return _refusal(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words)


def _most(path: str) -> int:
    """How many bytes the address takes."""
    try:
        view = resolve(path).func
    except Resolver404:
        return LARGEST_FORM
    return LARGEST_BODY if getattr(view, "takes_files", False) else LARGEST_FORM


def _text(request: HttpRequest) -> HttpResponse | None:
    """A refusal of text in the address, a cookie, the form or the JSON body that cannot be stored."""
    try:
        if all(storable(text) for text in _texts(request)):
            return None
    except RequestDataTooBig:
        size = number(request.META.get("CONTENT_LENGTH") or "0") or 0
        return _too_large(request, size, LARGEST_FORM)
    return _refusal(request, HTTPStatus.BAD_REQUEST, UNSTORABLE)


def _texts(request: HttpRequest) -> Iterator[str]:
    yield request.path
    yield from request.COOKIES.values()
    # Below /api/ a body is JSON, whatever it is called, and is read there: it must not be taken for a form before.
    api = request.path.startswith("/api/")
    for given in (request.GET,) if api else (request.GET, request.POST):
        for name, values in given.lists():
            yield name
            yield from values
    if api:
        yield from _strings(request.body)


def _strings(body: bytes) -> Iterator[str]:
    """Every string of a JSON text; none of what is no JSON, which is refused where it is read."""
    try:
        waiting: list[Any] = [json.loads(body)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value


def _refusal(request: HttpRequest, status: int, words: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(
            refusal.body(words, refusal.UNREAD[status]), status=status, json_dumps_params={"ensure_ascii": False}
        )
    return render(request, "not_taken.html", {"words": words}, status=status)
