"""A case under another: who of the organisation above takes part, what the opening asks of it, what it takes from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from packs import PACKS
from rongtong.apps.cases import access, actions, holding, queries
from rongtong.apps.cases.models import Case
from rongtong.apps.packs.actions import PackRefused, load
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import create_account, grant, register_organisation
from rongtong.apps.registry.models import Account
from rongtong.engine.gb32100 import check_character

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]
MANIFEST = 'code: more\nname: 加两个流程\nversion: "1"\nextends: [zhejiang]\nroot_place: "330000"\n'
OFFER = """\
- code: offer
  version: "1"
  name: 供
  about: 试验
  start: shown
  opened_by: [owner]
  variables: {free: text}
  roles:
    - {code: owner, name: 供方, held_by: [institution], at: own}
  form:
    type: object
    properties:
      free: {type: string, title: 可否, enum: ["yes", "no"]}
      chain: {type: string, title: 产业链, format: chain}
  stages:
    - {code: shown, name: 公开, no_clock: 试验, notice: {name: 供}}
    - {code: hidden, name: 不公开, no_clock: 试验}
    - {code: done, name: 完, outcome: done}
  transitions:
    - {code: hide, name: 收起, at: [shown], to: hidden, by: [owner], not_by: [open]}
    - {code: end, name: 结束, at: [shown, hidden], to: done, by: [owner]}
"""
ASK = """\
- code: ask_for
  version: "1"
  name: 求
  about: 试验
  start: asked
  opened_by: [asker]
  under: {process: offer, at: [shown, hidden], when: free == 'yes', refusal: 供方不愿意}
  roles:
    - {code: asker, name: 求方, held_by: [enterprise], at: own}
    - {code: holder, name: 供方, held_by: [institution], at: parent_own}
    - {code: manager, name: 供方经理, held_by: [technology_manager], at: parent_own}
  stages:
    - {code: asked, name: 已求, no_clock: 试验, see: [asker, holder]}
    - {code: done, name: 已答, outcome: done, see: [asker, holder]}
  transitions:
    - {code: answer, name: 答, at: [asked], to: done, by: [holder]}
"""


def pack(folder: Path, ask: str = ASK, offer: str = OFFER) -> list[Path]:
    made = folder / "more"
    (made / "processes").mkdir(parents=True, exist_ok=True)
    (made / "pack.yaml").write_text(MANIFEST, encoding="utf-8")
    (made / "processes" / "both.yaml").write_text(offer + ask, encoding="utf-8")
    return [PACKS / "china", PACKS / "zhejiang", made]


@pytest.fixture
def people(demo_store: Account, tmp_path: Path) -> dict[str, Account]:
    """Two of a university, one of another, a firm."""
    load(pack(tmp_path), demo_store)
    made, own = {}, {}
    for number, (name, role, organisation) in enumerate(
        (("甲", "institution", "一校"), ("乙", "institution", "一校"), ("丙", "institution", "二校"),
         ("丁", "enterprise", "一厂"), ("戊", "technology_manager", "一校"))
    ):  # fmt: skip
        if organisation not in own:
            first = f"91339999{number + 500:09d}"
            code = first + check_character(first)
            own[organisation] = register_organisation(code, organisation, "other", "330106", actor=demo_store)
        made[name] = create_account(
            f"above-{number}", name, actor=demo_store, organisation=own[organisation], demo=True
        ).account
        grant(made[name], role, "330106", actor=demo_store)
    return made


def opened(who: Account, process: str, parent: Case | None = None, **data: str) -> Case:
    return actions.open_case(
        process, actor=who, place="330106", data=data, organisation=who.organisation, parent=parent
    )


def test_whoever_is_of_the_organisation_above_sees_and_moves_the_case_below(people: dict[str, Account]) -> None:
    offer = opened(people["甲"], "offer", free="yes", chain="415x-1")
    case = opened(people["丁"], "ask_for", offer)
    assert (case.chain, case.title) == ("415x-1", "求·供·一校·一厂")
    for name in ("甲", "乙"):
        assert set(queries.visible(people[name], "ask_for")) == {case}
        assert set(access.waiting(people[name]).filter(process="ask_for")) == {case}
    assert not queries.visible(people["丙"], "ask_for").exists()
    # Of that organisation, but in a role that the stage does not show itself to.
    assert not queries.visible(people["戊"], "ask_for").exists()
    assert holding.roles_held(holding.reach(people["戊"]), case) == {"manager"}
    with pytest.raises(Case.DoesNotExist):
        actions.move(case.pk, "answer", actor=people["丙"], seen=1)
    with pytest.raises(Denied, match="供方"):
        actions.move(case.pk, "answer", actor=people["丁"], seen=1)
    assert actions.move(case.pk, "answer", actor=people["乙"], seen=1).outcome == "done"


def test_a_case_is_opened_under_one_on_public_notice_and_under_no_other_that_is_not_read(
    people: dict[str, Account],
) -> None:
    offer = opened(people["甲"], "offer", free="yes")
    assert not queries.visible(people["丁"]).filter(pk=offer.pk).exists()
    opened(people["丁"], "ask_for", offer)
    with pytest.raises(actions.GuardRefused, match="“开始供”由您办理"):
        actions.move(offer.pk, "hide", actor=people["甲"], seen=1)
    actions.move(offer.pk, "hide", actor=people["乙"], seen=1)
    with pytest.raises(actions.CaseError, match="没有可以在其下开始的这一件") as refused:
        opened(people["丁"], "ask_for", offer)
    assert offer.title not in str(refused.value)


def test_an_opening_may_ask_a_condition_of_the_case_above(people: dict[str, Account]) -> None:
    for data in ({"free": "no"}, {}):
        with pytest.raises(actions.CaseError, match="供方不愿意"):
            opened(people["丁"], "ask_for", opened(people["甲"], "offer", **data))


def test_a_condition_of_the_case_above_speaks_of_its_variables(demo_store: Account, tmp_path: Path) -> None:
    with pytest.raises(PackRefused, match="under 的条件"):
        load(pack(tmp_path, ASK.replace("free == 'yes'", "cheap == 'yes'")), demo_store)
