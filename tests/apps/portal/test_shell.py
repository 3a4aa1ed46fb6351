"""The shell holds every page to docs/design.md: no inline code, known classes, readable colours, small and wordy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.paginator import Paginator
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from rongtong.apps.planning import queries
from rongtong.apps.portal.navigation import menu
from rongtong.apps.registry.actions import create_account, grant
from rongtong.apps.registry.models import Account
from rongtong.engine.pace import Lamp
from rongtong.engine.period import Period

APPS = Path(__file__).parents[3] / "src" / "rongtong" / "apps"
DESIGN = Path(__file__).parents[3] / "docs" / "design.md"
TEMPLATES = sorted(p for p in APPS.glob("*/templates/**/*.html"))
STYLES = sorted(APPS.glob("*/static/**/*.css"))
TOKENS = APPS / "portal/static/portal/tokens.css"
TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
INLINE = re.compile(r"<style|\sstyle\s*=|\son[a-z]+\s*=|<script(?![^>]*\ssrc=)", re.IGNORECASE)
COLOUR = re.compile(
    r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|hwb|lab|lch|oklch|oklab)a?\(|:\s*(?:white|black|red|gr[ae]y|blue)\b"
)
TEXT_ON_GROUND = {
    "ink": ("paper", "ground", "blue-pale", "amber-pale", "red-pale", "green-pale"),
    "muted": ("paper", "ground", "blue-pale"),
    "blue": ("paper", "ground", "blue-pale"),
    "blue-strong": ("paper", "ground"),
    "green": ("paper", "ground", "blue-pale"),
    "amber": ("paper", "ground", "blue-pale"),
    "red": ("paper", "ground", "blue-pale", "red-pale"),
    "tag-ink": ("amber-pale",),
    "on-blue": ("blue", "blue-strong", "red"),
}


def named(path: Path) -> str:
    return path.relative_to(APPS).as_posix()


def colours() -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", TOKENS.read_text()))


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two tokens."""
    known = colours()
    low, high = sorted((luminance(known[first]), luminance(known[second])))
    return (high + 0.05) / (low + 0.05)


def pairs() -> Iterator[tuple[str, str]]:
    return ((text, ground) for text, grounds in TEXT_ON_GROUND.items() for ground in grounds)


def shown(text: str, **context: object) -> str:
    return Template("{% load rongtong %}" + text).render(Context(context))


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost")


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_a_template_is_short_and_has_no_inline_code(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert INLINE.findall(TAG.sub("", text)) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_every_class_of_a_template_is_defined_in_a_style_sheet(path: Path) -> None:
    defined = {
        name for sheet in STYLES for name in re.findall(r"\.([a-zA-Z][\w-]*)", sheet.read_text(encoding="utf-8"))
    }
    text = path.read_text(encoding="utf-8")
    fixed = TAG.sub(lambda m: "\0" if m.group().startswith("{{") else " ", text)
    used = {name for value in re.findall(r'\bclass="([^"]*)"', fixed) for name in value.split() if "\0" not in name}
    assert used - defined == set()


@pytest.mark.parametrize("path", [s for s in STYLES if s != TOKENS], ids=named)
def test_colours_are_written_in_the_tokens_only(path: Path) -> None:
    assert COLOUR.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", sorted(APPS.glob("*/static/**/*.js")), ids=named)
def test_a_script_is_short_and_writes_no_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert not re.search(r"\beval\(|new Function|cssText|setAttribute\(.style|document\.write", text)


@pytest.mark.parametrize(("text", "ground"), list(pairs()))
def test_text_is_readable_on_every_ground_it_stands_on(text: str, ground: str) -> None:
    assert contrast(text, ground) >= 4.5


def test_the_edge_of_a_control_is_seen() -> None:
    assert min(contrast("line-control", ground) for ground in ("paper", "ground")) >= 3


def test_the_design_document_gives_the_contrasts_that_are_measured() -> None:
    stated = re.findall(r"\| `--([a-z-]+)` \| `--([a-z-]+)` \| ([\d.]+) \|", DESIGN.read_text(encoding="utf-8"))
    assert {(text, ground) for text, ground, _ in stated} >= set(pairs())
    assert [(t, g, r) for t, g, r in stated if r != f"{contrast(t, g):.2f}"] == []


def test_the_design_document_names_every_token() -> None:
    tokens = set(re.findall(r"--([a-z0-9-]+):", TOKENS.read_text()))
    assert tokens - set(re.findall(r"`--([a-z0-9-]+)`", DESIGN.read_text(encoding="utf-8"))) == set()


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_store")
@pytest.mark.parametrize("address", ["/map", "/map?indicator=input_enterprise&level=county", "/map?view=table"])
def test_a_page_is_small_enough_for_a_slow_line(client: Client, address: str) -> None:
    page = client.get(address).content
    files = re.findall(r'(?:href|src)="/static/([^"]+)"', page.decode())
    found = [finders.find(name) for name in files]
    assert None not in found
    assert len(page) + sum(Path(str(path)).stat().st_size for path in found) <= 1_000_000
    assert len(page) <= 200_000


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_store")
def test_the_page_one_is_on_is_marked_once_in_each_navigation(client: Client) -> None:
    page = client.get("/map").content.decode()
    assert re.findall(r'<a href="([^"]+)" aria-current="page">', page) == ["/map", "/map"]
    assert "工作台" not in page
    assert '<a class="skip" href="#main">' in page
    assert '<main id="main"' in page


@pytest.mark.django_db
def test_what_waits_is_counted_beside_the_workbench(
    client: Client, demo_store: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rongtong.apps.portal.work_queries.waiting", lambda account: 7)
    Account.objects.filter(pk=demo_store.pk).update(password_is_initial=False)
    client.force_login(demo_store)
    page = client.get("/map").content.decode()
    assert '工作台 <span class="count"><span class="sr">待办</span>7</span>' in page


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "shown"), [("audit_admin", True), ("reader", False)])
def test_administration_is_shown_to_who_administers(
    client: Client, demo_store: Account, role: str, shown: bool
) -> None:
    new = create_account(f"nav-{role}", "张三", actor=demo_store).account
    grant(new, role, "", actor=demo_store)
    Account.objects.filter(pk=new.pk).update(password_is_initial=False)
    client.force_login(new)
    links = [link.words for _, links in menu(client.get("/map").wsgi_request) for link in links]
    assert ("审计" in links) is shown
    assert "一张图" in links


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_store")
def test_an_unknown_address_is_answered_with_words_and_a_way_on(client: Client) -> None:
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "没有找到这一页" in response.content.decode()
    assert "/no/such/page" in response.content.decode()


@pytest.mark.django_db
def test_an_expired_form_says_that_nothing_was_changed() -> None:
    strict = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    response = strict.post("/logout")
    assert response.status_code == 403
    assert "没有改动任何数据" in response.content.decode()


def test_the_page_of_a_failure_needs_neither_database_nor_request() -> None:
    page = render_to_string("500.html")
    assert "系统出错" in page
    assert INLINE.findall(page) == []


@pytest.mark.parametrize("name", ["400.html", "403.html", "404.html", "403_csrf.html"])
def test_error_pages_stand_without_a_request(name: str) -> None:
    assert "<h1>" in render_to_string(name)


def test_a_lamp_is_shape_word_and_colour() -> None:
    lamp = Lamp("red", "pace", "2025-01-01", "序时进度", "ratio < 80")
    assert shown("{% lamp l %}", l=lamp) == (
        '<span class="lamp red" title="序时进度；ratio &lt; 80"><span aria-hidden="true">■</span> 严重滞后</span>'
    )
    assert shown('{% lamp "blue" "还有3天" %}').endswith('<span aria-hidden="true">◆</span> 还有3天</span>')
    assert shown("{% lamp none %}", none=None) == ""


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_store")
def test_a_figure_links_to_its_chain_and_says_when_it_is_generated() -> None:
    rows = queries.monitor(queries.Asked("input_enterprise", Period.parse("2025H1"))).total.figures
    text = shown("{% figure f %}", f=rows["value"])
    assert 'href="/why/input_enterprise@330000@2025H1">2480.00</a> <span class="unit">亿元</span>' in text
    assert text.endswith('<span class="tag">演示数据</span>')
    assert "tag" not in shown("{% figure f mark=False %}", f=rows["value"])
    assert "未报" in shown("{% figure f %}", f=None)
    assert shown('{% measure rows "yoy" %}', rows=rows).endswith(">+7.9</a>")


def test_a_bar_says_how_far_and_where_it_should_be() -> None:
    text = shown('{% bar "45.2" "50.0" %}')
    assert 'aria-label="完成 45.2%，应达 50.0%"' in text
    assert '<rect class="done" y="3" width="45.20%"' in text
    assert '<rect class="tick" x="50.00%"' in text
    assert "tick" not in shown('{% bar "45.2" %}')
    assert shown("{% bar none %}", none=None) == ""


def test_a_bar_beyond_its_goal_keeps_its_proportions() -> None:
    text = shown('{% bar "125.0" "100.0" %}')
    assert 'class="done" y="3" width="100.00%"' in text
    assert 'class="tick" x="80.00%"' in text


@pytest.mark.parametrize(("given", "expected"), [("8.8", "+8.8"), ("-2.8", "-2.8"), ("0.0", "0.0"), ("", "")])
def test_growth_carries_its_sign(given: str, expected: str) -> None:
    assert shown("{{ v|signed }}", v=given) == expected


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_store")
def test_names_of_places_ask_the_packs_once_per_request(django_assert_num_queries: object) -> None:
    request = RequestFactory().get("/")
    context = Context({"request": request, "codes": ["330100", "330200", "330102"]})
    template = Template("{% load rongtong %}{% for c in codes %}{% place_name c %} {% endfor %}")
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert template.render(context) == "杭州 宁波 上城 "


def test_the_pager_keeps_the_filters() -> None:
    request = RequestFactory().get("/x", {"q": "芯片", "page": "2"})
    text = render_to_string("portal/_pager.html", {"page_obj": Paginator(range(50), 10).page(2), "request": request})
    assert 'rel="next" href="?q=%E8%8A%AF%E7%89%87&amp;page=3"' in text
    assert "第 2 页，共 5 页，50 条" in text


def test_the_summary_of_errors_leads_to_the_fields() -> None:
    text = render_to_string("portal/_errors.html", {"errors": [("id_value", "数值应为数字，找到“三”。")]})
    assert '<a href="#id_value">数值应为数字，找到“三”。</a>' in text
    assert 'role="alert"' in text


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_store")
@pytest.mark.parametrize("address", ["/map", "/nothing"])
def test_the_demonstration_says_so_on_every_page(client: Client, address: str) -> None:
    assert "演示实例，今天固定为 2025年7月15日" in client.get(address).content.decode()


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_store")
@pytest.mark.parametrize("address", ["/en/open/", "/en/notices/", "/en/processes/", "/en/wall/public/", "/en/verify/"])
def test_an_english_page_has_an_english_frame(client: Client, address: str) -> None:
    page = client.get(address).content.decode()
    frame = page[page.index("<body>") : page.index("<main")] + page[page.index("</main>") :]
    chinese = set(re.findall(r"[\u4e00-\u9fff]+", re.sub(r"\s+", "", frame)))
    assert chinese <= {"融通", "中文"}  # the name, and the way to the Chinese page
    assert "A demonstration; its today is fixed at 2025-07-15" in frame
    # The navigation leads to the English pages, and says which of them this is.
    menu = re.findall(r'<li><a href="([^"]+)"( aria-current="page")?>', frame)
    assert {a for a, _ in menu} == {"/en/processes/", "/en/notices/", "/en/wall/public/", "/en/open/", "/en/verify/"}
    assert {a for a, here in menu if here} == {address}
    assert all(client.get(a).status_code == 200 for a, _ in menu)


@pytest.mark.django_db
@pytest.mark.usefixtures("demo_store")
def test_an_english_address_without_a_page_is_said_in_english(client: Client) -> None:
    answer = client.get("/en/nothing/")
    assert answer.status_code == 404
    page = answer.content.decode()
    assert '<html lang="en"' in page
    assert "<h1>No such page</h1>" in page
