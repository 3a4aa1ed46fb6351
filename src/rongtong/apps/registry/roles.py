"""Roles (角色) and the kinds of action each may perform.

A kind is `app.verb`; a pattern is a kind or a prefix that ends in `.*`. Reading is not an act: whoever holds a role of
an office on a place reads there (`access.visible_places`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """A role: its code, its Chinese name and the patterns of the kinds of action it allows.

    `reads` says whether it reads its place. Who comes from outside the offices does not: such an account reads the
    cases of its organisation and those that name it, and what is public.
    """

    code: str
    name: str
    allows: tuple[str, ...]
    reads: bool = True

    def allowed(self, kind: str) -> bool:
        """Whether the role allows this kind of action."""
        return matches(self.allows, kind)


def matches(patterns: tuple[str, ...], kind: str) -> bool:
    """Whether a kind is one of the patterns: equal, below a prefix `app.*`, or anything for `*`."""
    return any(p in ("*", kind) or (p.endswith(".*") and kind.startswith(p[:-1])) for p in patterns)


SYSTEM_ADMIN, SECURITY_ADMIN, AUDIT_ADMIN = "system_admin", "security_admin", "audit_admin"
OPERATOR = "operator"
# 三员: GB/T 22239-2019 8.1.4.2 separates the duties of administrators; nobody holds two of these.
TRIO = (SYSTEM_ADMIN, SECURITY_ADMIN, AUDIT_ADMIN)

ROLES: dict[str, Role] = {
    role.code: role
    for role in (
        Role("provincial_officer", "省级处室", ("observations.*", "planning.*", "papers.*", "packs.*")),
        Role("city_officer", "市科技局", ("observations.*", "planning.*", "papers.*")),
        # A county's figures become observations by being filed and approved, not by being loaded.
        Role(
            "county_officer",
            "县科技局",
            ("observations.fill", "observations.attach", "observations.upload", "papers.*"),
        ),
        Role("planner", "规划（目标分解）", ("planning.*",)),
        Role("editor", "材料编辑", ("papers.*",)),
        Role("approver", "审签", ("planning.*", "papers.*", "packs.*")),
        Role("reader", "查看", ()),
        Role("service_desk", "企业服务中心（分办）", ()),
        Role("handler", "承办部门", (), reads=False),
        Role("registrar", "技术合同登记机构", (), reads=False),
        Role("insurer", "保险机构", (), reads=False),
        Role("enterprise", "企业", (), reads=False),
        Role("institution", "高校院所", (), reads=False),
        Role("technology_manager", "技术经理人", (), reads=False),
        Role("expert", "专家", (), reads=False),
        Role(
            SYSTEM_ADMIN,
            "系统管理员",
            (
                "registry.create_account",
                "registry.deactivate",
                "registry.reactivate",
                "registry.register_organisation",
                "registry.import_accounts",
                "registry.request_grant",
                "registry.reveal",
                "packs.*",
            ),
        ),
        Role(
            SECURITY_ADMIN,
            "安全管理员",
            (
                "registry.grant",
                "registry.revoke",
                "registry.refuse_grant",
                "registry.deactivate",
                "registry.set_password",
                "registry.unlock",
                "registry.reset_factor",
                "registry.hand_over",
                "registry.reveal",
            ),
        ),
        Role(AUDIT_ADMIN, "审计管理员", ("records.*", "registry.reveal")),
        # Whoever holds the shell can do anything to the files anyway; the log says that it was done from there.
        Role(OPERATOR, "运维（命令行）", ("*",)),
    )
}

# Roles of those outside the offices, who read no place.
OUTSIDE = tuple(role.code for role in ROLES.values() if not role.reads)
# What every active account may do, because it concerns only itself.
EVERYONE = (
    "registry.change_own_password",
    "registry.login",
    "registry.logout",
    "registry.denied",
    "registry.enrol_factor",
    "registry.end_sessions",
    "registry.export_own_data",
    "registry.delegate",
    "registry.end_delegation",
)
# Who signs or administers logs in with a one-time code as well, where the instance asks for it.
SECOND_FACTOR = ("approver", *TRIO)


def role_name(code: str) -> str:
    """The Chinese name of a role; the code itself when there is no such role."""
    return ROLES[code].name if code in ROLES else code


def role_code(text: str) -> str | None:
    """The code of a role given by its code or its Chinese name, or None."""
    text = text.strip()
    return next((r.code for r in ROLES.values() if text in (r.code, r.name)), None)
