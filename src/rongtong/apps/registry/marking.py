"""The marked copy (标注件) of an accounts workbook: every wrong cell filled and commented, and a list of them all."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rongtong.apps.registry.sheets import CellError
from rongtong.cells import put_row

LIST = "问题清单"
HEADINGS = ("工作表", "单元格", "填写的值", "问题")
FILL = "FFC7CE"


def marked_copy(data: bytes, errors: Sequence[CellError]) -> bytes:
    """The workbook with its errors marked. Raises what openpyxl raises for a file that is no workbook."""
    from openpyxl import load_workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Font, PatternFill

    book = load_workbook(io.BytesIO(data))
    if LIST in book.sheetnames:
        del book[LIST]
    for error in errors:
        if error.sheet in book.sheetnames and error.cell:
            cell = book[error.sheet][error.cell]
            earlier = f"{cell.comment.text}\n\n" if cell.comment else ""
            cell.fill = PatternFill("solid", fgColor=FILL)
            cell.comment = Comment(f"{earlier}{error.problem}", "融通", height=140, width=300)
    listed = book.create_sheet(LIST)
    listed.append(HEADINGS)
    for row, error in enumerate(errors, start=2):
        put_row(listed, row, (error.sheet, error.cell, error.value, error.problem))
    for letter, width in zip("ABCD", (10, 9, 24, 70), strict=True):
        listed.column_dimensions[letter].width = width
        listed[f"{letter}1"].font = Font(bold=True)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
