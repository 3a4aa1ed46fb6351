"""Words for the kinds of write, for readers of the log. A kind without a word is shown as it is."""

from __future__ import annotations

KINDS = {
    "registry.create_account": "建账号",
    "registry.register_organisation": "登记单位",
    "registry.import_accounts": "导入账号",
    "registry.grant": "授权",
    "registry.request_grant": "申请授权",
    "registry.refuse_grant": "不予授权",
    "registry.revoke": "收回授权",
    "registry.deactivate": "停用账号",
    "registry.reactivate": "恢复账号",
    "registry.set_password": "重置口令",
    "registry.change_own_password": "修改本人口令",
    "registry.login": "登录",
    "registry.login_failed": "登录失败",
    "registry.locked": "锁定",
    "registry.unlock": "解锁",
    "registry.logout": "退出",
    "registry.denied": "越权被拒",
    "registry.enrol_factor": "设动态口令",
    "registry.reset_factor": "重置动态口令",
    "registry.end_sessions": "退出其他登录",
    "registry.delegate": "请人代理",
    "registry.end_delegation": "收回代理",
    "registry.hand_over": "人员交接",
    "registry.export_own_data": "导出本人数据",
    "registry.reveal": "查看姓名",
    "records.erase": "删除留痕内容",
    "records.erase_person": "删除个人信息",
    "records.scrub": "清除库文件中的残留",
    "records.read_payload": "查看留痕内容",
    "records.export": "导出留痕",
    "records.verify": "核验留痕",
    "cases.replay": "成批补写历史",
    "observations.import": "导入数据",
    "observations.upload": "上传数据",
    "observations.fill": "填报",
    "observations.attach": "附佐证材料",
    "observations.remind": "催报",
    "observations.save_source": "保存自建版式",
    "observations.export": "导出数据",
    "planning.allocate": "目标分解",
    "planning.adopt": "下达目标",
    "planning.lamps": "亮灯",
    "planning.forecast": "预测",
    "papers.make": "生成材料",
    "papers.note": "写段落",
    "papers.release": "发布材料",
    "packs.load": "载入规则包",
    "packs.amend": "起草修订",
    "packs.publish": "发布修订",
    "packs.attach_text": "上传正式文本",
}
PROCESSES = {
    "collection": "填报审核",
    "allocation_signoff": "目标会签",
    "supervision": "督办",
    "release": "材料发布",
    "amendment": "规则修订",
    "personal_request": "个人信息申请",
}


def kind_words(kind: str) -> str:
    """A kind in Chinese: `registry.grant` is 授权, a step of a case is the name of its process."""
    parts = kind.split(".")
    if parts[0] == "cases" and len(parts) == 3:
        if parts[2] == "tell":
            return f"{PROCESSES.get(parts[1], parts[1])}提醒"
        return f"{PROCESSES.get(parts[1], parts[1])}办理"
    return KINDS.get(kind, "")
