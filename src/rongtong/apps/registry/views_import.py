"""Pages of importing accounts from a workbook: upload, preview with every error at its cell, confirm."""

from __future__ import annotations

import base64
import binascii

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from rongtong.apps.registry import access
from rongtong.apps.registry.access import account_of
from rongtong.apps.registry.importing import IMPORT, check_accounts_xlsx, import_accounts_xlsx
from rongtong.apps.registry.marking import marked_copy
from rongtong.apps.registry.sheets import accounts_template
from rongtong.cells import XLSX
from rongtong.entering import takes_files
from rongtong.uploads import UploadRefused, checked


@takes_files
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Take a filled template and show what it would do, or every error; nothing is stored yet."""
    access.require(account_of(request), IMPORT)
    if request.method != "POST":
        return render(request, "registry/import.html")
    file = request.FILES.get("file")
    try:
        if file is None:
            raise UploadRefused("没有选择文件。请选填好的 .xlsx。")
        data = checked(file, ("xlsx",))
    except UploadRefused as refused:
        return render(request, "registry/import.html", {"errors": [("file", str(refused))]}, status=422)
    return _preview(request, data)


@takes_files
@login_required
@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """Store a previewed workbook; it is checked anew. The one-time passwords are on the answer and nowhere else."""
    access.require(account_of(request), IMPORT)
    data = _sent_back(request)
    report = import_accounts_xlsx(data, account_of(request))
    if not report.ok:
        return _preview(request, data)
    context = {
        "made": report.accounts,
        "organisations": report.organisations,
        "title": f"已导入 {len(report.accounts)} 个账号",
    }
    return render(request, "registry/handed.html", context)


@takes_files
@login_required
@require_POST
def marked(request: HttpRequest) -> HttpResponse:
    """The uploaded workbook with its errors marked, to be mended and uploaded again."""
    access.require(account_of(request), IMPORT)
    data = _sent_back(request)
    if not data:
        words = "没有可标注的文件。请重新选择填好的 .xlsx。"
        return render(request, "registry/import.html", {"errors": [("file", words)]}, status=422)
    _, errors = check_accounts_xlsx(data)
    return _workbook(marked_copy(data, errors), "accounts-marked.xlsx")


@login_required
@require_safe
def template(request: HttpRequest) -> HttpResponse:
    """The empty template."""
    access.require(account_of(request), IMPORT)
    return _workbook(accounts_template(), "accounts.xlsx")


def _preview(request: HttpRequest, data: bytes) -> HttpResponse:
    rows, wrong = check_accounts_xlsx(data)
    context = {
        "previewed": True,
        "rows": [row for row in rows if row.sheet == "账号"],
        "organisations": [row for row in rows if row.sheet == "单位"],
        "wrong": wrong,
        "markable": all(error.sheet != "文件" for error in wrong),
        "data": base64.b64encode(data).decode("ascii"),
    }
    return render(request, "registry/import.html", context, status=422 if wrong else 200)


def _sent_back(request: HttpRequest) -> bytes:
    """The workbook that the preview page carries; empty bytes, which no check passes, when it was tampered with."""
    try:
        return base64.b64decode(request.POST.get("data", ""), validate=True)
    except binascii.Error:
        return b""


def _workbook(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
