"""The words of a pack's fields and values, for forms, sheets and comparisons."""

from __future__ import annotations

import re
from typing import Any

LABELS = {
    "code": "代码", "name": "名称", "name_en": "英文名", "definition": "定义", "scope": "口径", "unit": "单位",
    "decimals": "小数位数", "direction": "方向", "frequency": "频度", "aggregation": "汇总方式", "formula": "公式",
    "measure_of": "所记的量度", "part_of": "属于哪个合计", "view": "分法", "owner": "责任处室",
    "source_type": "来源类别", "basis": "依据", "lamp": "亮灯规则", "level": "公开级别", "valid_from": "生效",
    "valid_to": "失效", "note": "说明", "cases": "逐条条件（第一条成立的就是它）", "mark": "性质", "cite": "出处",
    "indicator": "指标", "place": "地方", "period": "期", "kind": "类型", "comparator": "比较", "value": "值",
    "reference": "参照", "baseline": "应有进度", "milestones": "里程碑", "commitment": "承诺", "provenance": "来历",
    "title": "题目", "organisation": "单位落款", "number": "文号", "indicators": "指标", "sections": "各节",
    "real_indicators": "已公布的佐证指标", "sentences": "句子", "rule": "规则", "open_points": "尚未明确的事项",
    "system": "来自系统", "sheet": "工作表", "header_row": "表头行", "place_column": "地方列", "place_by": "地方写法",
    "place_names": "地方名称对照", "period_column": "期列", "known_from": "发布日期", "known_from_column": "发布日期列",
    "status": "数据状态", "evidence_column": "凭证列", "evidence": "凭证", "columns": "各列", "skip_rows": "跳过的行",
    "document": "文件", "clause": "条款", "when": "条件", "reason": "理由", "key": "节名", "heading": "标题",
    "blocks": "内容块", "manual": "请人填写", "time": "按时间", "subject": "按主体", "measure": "量度",
    "margin": "差额", "denominators": "分母", "over": "范围",
}  # fmt: skip
WORDS = {
    "up": "越高越好", "down": "越低越好", "none": "不适用", "year": "年", "half": "半年", "quarter": "季", "month": "月",
    "once": "一次", "sum": "相加", "ratio": "比值", "cumulative": "年初累计", "last": "期末", "funds": "按资金来源",
    "performer": "按执行主体", "statistics": "统计", "department": "部门", "reported": "填报", "computed": "计算",
    "process": "流程", "L1": "L1 公开", "L2": "L2 内部", "L3": "L3 受限", "L4": "L4 不出", "green": "● 正常",
    "yellow": "▲ 滞后", "red": "■ 严重滞后", "blue": "◆ 临期", "grey": "○ 未报", "stated": "文件明文",
    "verified": "已核实", "analogue": "参照同类", "proposed": "拟议", "pace": "进度对目标",
    "growth_of_parent": "增速对上一级", "linear": "按月均匀", "last_year": "上年同期份额", "milestones": "里程碑",
    "document": "文件", "office": "本单位", "placeholder": "占位", "growth": "增长", "relative": "相对",
    "share": "占比", "for_all": "逐一达到", "monotone": "只增不减", "code": "代码", "name": "名称", "yoy": "同比",
    "level": "达到数值", "city": "市", "county": "县", "share_of_revenue": "占营业收入比", "actual": "公布", "flash": "快报", "estimate": "估计", "preliminary": "初步",
    "revised": "修订", "forecast": "预测", "synthetic": "演示",
}  # fmt: skip

CONDITIONS = {
    "reported": "已报数", "overdue": "已过期限", "completion": "完成率", "ratio": "进度比", "gap": "增速差",
    "days_left": "剩余工作日", "missing": "没有", "not": "不", "and": "，且", "or": "，或", "True": "其余情形",
    ">=": "≥", "<=": "≤",
}  # fmt: skip


def condition(when: str) -> str:
    """A lamp rule's condition in words: `ratio >= 0.85` as 进度比 ≥ 0.85. What it does not know stays as written."""
    plain = when.replace("not reported", "没有报数").replace("missing(", "missing (")
    words = re.sub(r"[A-Za-z_]+|[<>]=", lambda found: CONDITIONS.get(found[0], found[0]), plain)
    return re.sub(
        r" *([，]) *",
        r"\1",
        re.sub(r"没有 \((\S+)\)", r"没有\1", words.replace("，且 ", "，且").replace("，或 ", "，或")),
    )


def label(field: str) -> str:
    """The words of a field; its own name where there are none."""
    return LABELS.get(field, field)


def word(value: str) -> str:
    """A choice in words with its code: 越高越好（up）."""
    found = WORDS.get(value)
    return f"{found}（{value}）" if found else value or "（不填）"


def text(value: Any) -> str:
    """A value of a statement as a person reads it; nested ones line by line."""
    if value is None or value in ("", [], {}):
        return "（无）"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dict) and {"lamp", "when"} <= value.keys():
        return f"{WORDS.get(value['lamp'], value['lamp'])}：{condition(value['when'])}（{value.get('reason') or '没有写理由'}）"
    if isinstance(value, dict):
        return "，".join(f"{label(k)} {text(v)}" for k, v in value.items())
    if isinstance(value, list):
        between = "\n" if any(isinstance(v, dict) for v in value) else "、"
        return between.join(text(v) for v in value)
    return str(value)
