"""Words for the names of form fields, for pages that show a form without being its page."""

from __future__ import annotations

WORDS = {
    "reason": "理由",
    "why": "理由",
    "title": "标题",
    "name": "名称",
    "username": "用户名",
    "position": "职务",
    "place": "地区",
    "period": "期",
    "role": "角色",
    "transition": "办理动作",
    "seen": "打开时的步骤号",
    "next": "办完后去往",
    "value": "数值",
    "progress": "进展",
    "percent": "完成百分比",
    "dynamics": "工作动态",
    "problems": "存在问题",
    "evidence": "佐证",
    "reply": "反馈",
    "due": "期限",
    "valid_from": "起始日期",
    "valid_to": "截止日期",
    "text": "正文",
    "note": "备注",
    "comment": "意见",
}


def label(name: str) -> str:
    """The word for a field's name; the name itself where none is known."""
    return WORDS.get(name, name)
