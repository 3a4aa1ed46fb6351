"""The main job on a store: which places are behind, why, as known when."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction

import pytest
from django.db import IntegrityError, transaction

from rongtong.apps.observations.actions import import_file
from rongtong.apps.planning import actions, chain, forecasting, queries, shapes
from rongtong.apps.planning.models import ForecastRecord, LampRecord
from rongtong.apps.registry.models import Account
from rongtong.engine.figure import FigureError
from rongtong.engine.period import Period

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("demo_store")]

HEADER = "indicator,place,period,value,unit,status,known_from,source,note\n"
Q1 = Period.parse("2025Q1")
H1 = Period.parse("2025H1")
REAL = queries.Asked("industrial_rd_expense", Q1)
DEMO = queries.Asked("input_enterprise", H1)


def text(asked: queries.Asked) -> str:
    return json.dumps(shapes.board(queries.monitor(asked)), ensure_ascii=False)


def test_the_real_quarter_comes_out_of_the_store_as_published() -> None:
    data = shapes.board(queries.monitor(REAL))
    assert data["total"]["value"] == "851.36"
    assert data["total"]["yoy"] == "7.7"
    assert (data["unallocated"], data["check"]) == ("0.31", "7.72")
    assert data["synthetic"] is False
    assert data["total"]["lamp"] is None
    assert [r["place"] for r in data["rows"] if r["yoy_rank"] == 3] == ["330300", "330600"]


def test_generated_figures_say_so_everywhere() -> None:
    data = shapes.board(queries.monitor(DEMO))
    assert data["synthetic"] is True
    assert {r["status"] for r in data["rows"]} == {"synthetic"}


def test_completion_runs_against_the_shipped_allocation_and_lights_lamps() -> None:
    data = shapes.board(queries.monitor(DEMO))
    goals = [Fraction(r["goal"]) for r in data["rows"]]
    assert sum(goals) == 5600, "5650 less the named reserve of 50"
    assert {r["lamp"] for r in data["rows"]} == {"green", "yellow", "red"}
    assert data["total"]["goal"] == "5650"


def test_a_ranking_as_known_on_an_earlier_day_is_byte_identical_after_later_corrections(demo_store: Account) -> None:
    early = queries.Asked("industrial_rd_expense", Q1, as_of=date(2025, 7, 1))
    before = text(early)
    rows = HEADER + "industrial_rd_expense,330400,2025Q1,107.12,亿元,revised,2025-07-10,更正,\n"
    report = import_file(rows.encode(), "correction.csv", actor=demo_store)
    assert report.blocking == ()
    assert report.rows_new == 1
    assert text(early) == before
    now = shapes.board(queries.monitor(REAL))
    row = next(r for r in now["rows"] if r["place"] == "330400")
    assert (row["value"], row["status"]) == ("107.12", "revised")


def test_a_late_backfill_is_flagged_wherever_it_shows(demo_store: Account) -> None:
    rows = HEADER + "industrial_rd_expense,330700,2025Q1,57.1,亿元,revised,2025-06-20,补录,\n"
    report = import_file(rows.encode(), "late.csv", actor=demo_store)
    assert len(report.late) == 1
    data = shapes.board(queries.monitor(REAL))
    assert data["late"] == ["industrial_rd_expense@330700@2025Q1"]
    assert next(r for r in data["rows"] if r["place"] == "330700")["late"] is True


def test_why_walks_from_the_figure_to_file_card_clause_and_consequence() -> None:
    data = chain.why("input_enterprise@330100@2025H1")
    steps = {link["step"] for link in data["chain"]}
    assert steps == {
        "clause",
        "commitment",
        "indicator",
        "target",
        "allocation",
        "observation",
        "status",
        "consequence",
    }
    real = chain.why("industrial_rd_expense@330100@2025Q1")
    assert any(link["clause"] == "2.4.3" for link in real["chain"] if link["step"] == "clause")
    files = [link["file"] for link in real["chain"] if link["step"] == "observation"]
    assert any("industrial_rd_expense_2025q1.csv" in f for f in files)
    cards = [link["file"] for link in real["chain"] if link["step"] == "indicator"]
    assert cards[0].startswith("zhejiang/indicators/")


def test_every_figure_on_a_board_can_be_asked_why() -> None:
    board = queries.monitor(REAL)
    for figure_id in board.figures():
        assert queries.find(figure_id)[0].id == figure_id


def test_a_figure_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(queries.Unknown, match="industrial_rd_expense"):
        queries.find("industrial_rd_expens@330100@2025Q1")
    with pytest.raises(queries.Unknown, match="2031"):
        queries.find("industrial_rd_expense@330100@2031Q1")


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        (["rd_total@000000@2022", "input_enterprise@330000@2024"], "两套口径"),
        (["input_government@330000@2024", "input_enterprise@330000@2024"], "同一笔钱会算两次"),
        (["input_total@330000@2024", "input_enterprise@330000@2024"], "不能再与它的部分相加"),
    ],
)
def test_what_may_not_be_added_is_refused_with_the_reason(figures: list[str], reason: str) -> None:
    with pytest.raises(FigureError, match=reason):
        queries.add(figures)


def test_sectors_of_performance_may_be_added_exactly() -> None:
    parts = [f"rd_{p}@000000@2022" for p in ("enterprise", "institute", "university", "other")]
    assert queries.add(parts).text == "30782.9"


def test_balances_leave_350_and_minus_400_with_readings() -> None:
    (one,), (two,) = queries.balances(2025), queries.balances(2027)
    assert [shapes.balance(b)["difference"] for b in (one, two)] == ["350", "-400"]
    assert all(shapes.balance(b)["readings"] for b in (one, two))


def test_targets_without_data_are_unknown_not_missed() -> None:
    goals = {g.target.code: g for g in queries.targets(2025)}
    assert goals["input_enterprise_2025"].met is None
    assert goals["input_enterprise_2025"].figure is not None


def test_a_county_stands_on_its_citys_board() -> None:
    figure, board = queries.find("input_enterprise.share@330106@2025H1")
    assert board is not None
    assert board.total.place == "330100"
    shares = [r.figures["share"].number for r in board.rows]
    assert sum(shares) == 100
    assert figure.inputs[1].key.place == "330100"


def test_a_changed_rule_leaves_the_lamps_of_the_month_as_they_were(
    demo_store: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = dict(LampRecord.objects.filter(indicator="input_enterprise").values_list("place", "lamp"))
    assert set(kept.values()) == {"green", "yellow", "red"}
    from rongtong.apps.planning import goals
    from rongtong.engine.pack.model import LampCase

    real = goals.rule_of

    def stricter(pack: object, code: str, day: date) -> object:
        rule = real(pack, code, day)  # type: ignore[arg-type]
        assert rule is not None
        return rule.model_copy(update={"code": "stricter", "cases": (LampCase(lamp="red", when="reported"),)})

    monkeypatch.setattr(goals, "rule_of", stricter)
    queries._monitor.cache_clear()
    board, new = actions.record_lamps(DEMO, actor=demo_store)
    queries._monitor.cache_clear()
    assert {r.lamp.code for r in board.rows if r.lamp} == {"red"}
    assert new == 0
    assert dict(LampRecord.objects.filter(indicator="input_enterprise").values_list("place", "lamp")) == kept


def test_one_month_holds_one_lamp_even_for_two_writers() -> None:
    row = LampRecord.objects.filter(indicator="input_enterprise").first()
    assert row is not None
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_the_forecast_is_kept_as_a_vintage_with_interval_and_probability() -> None:
    kept = ForecastRecord.objects.filter(indicator="input_enterprise", place="330000").get()
    assert (kept.period, kept.made_from, kept.method) == ("2025", "2025H1", "share_logit_t")
    figures = forecasting.figures("input_enterprise", Period.parse("2025"))
    low, mid, high = (
        figures[f"input_enterprise.{m}@330000@2025"].number for m in ("forecast_low", "forecast", "forecast_high")
    )
    assert low < mid < high
    assert 0 <= figures["input_enterprise.probability@330000@2025"].number <= 100
    assert queries.find("input_enterprise.forecast@330000@2025")[0].id == "input_enterprise.forecast@330000@2025"


def test_forecasts_of_places_add_up_to_the_province() -> None:
    data = forecasting.shape(forecasting.outlook("input_enterprise_2025"))
    assert sum(Fraction(r["value"]) for r in data["rows"]) == Fraction(data["total"]["value"])


def test_with_too_little_history_there_are_scenarios_and_no_probability() -> None:
    data = forecasting.shape(forecasting.outlook("input_enterprise_2025", date(2025, 4, 30)))
    assert data["made_from"] == "2025Q1"
    with pytest.raises(queries.Unknown, match="无从预测"):
        forecasting.outlook("rd_total_2027")


def test_a_chains_figures_stand_apart_and_overlapping_chains_are_not_totalled(demo_store: Account) -> None:
    from rongtong.apps.packs.queries import current

    first, second = (c.code for c in current().all("chains")[:2])
    head = HEADER.strip() + ",chain\n"
    rows = "".join(
        f"input_enterprise,{place},2025H1,{value},亿元,synthetic,2025-07-10,演示,,{chain}\n"
        for chain in (first, second)
        for place, value in (("330000", "30"), ("330100", "20"))
    )
    report = import_file((head + rows).encode(), "chains.csv", actor=demo_store)
    assert report.blocking == ()
    before = queries.monitor(DEMO).total.figures["value"].text
    board = queries.monitor(queries.Asked("input_enterprise", H1, chain=first))
    assert board.total.figures["value"].text == "30.00"
    assert next(r for r in board.rows if r.place == "330100").figures["share"].text == "66.7"
    assert all(r.lamp is None for r in board.rows), "goals are set for the whole, not for a chain"
    assert queries.monitor(DEMO).total.figures["value"].text == before
    ids = [f"input_enterprise#{c}@330100@2025H1" for c in (first, second)]
    assert queries.find(ids[0])[0].text == "20.00"
    with pytest.raises(FigureError, match="交叉"):
        queries.add(ids)
    with pytest.raises(queries.Unknown, match="产业链"):
        queries.monitor(queries.Asked("input_enterprise", H1, chain="nothing"))


def test_a_kept_forecast_is_scored_when_the_years_value_arrives(demo_store: Account) -> None:
    assert forecasting.shape(forecasting.outlook("input_enterprise_2025"))["scores"] == []
    rows = HEADER + "input_enterprise,330000,2025,5500,亿元,synthetic,2025-07-15,演示,\n"
    assert import_file(rows.encode(), "year.csv", actor=demo_store).rows_new == 1
    (score,) = forecasting.shape(forecasting.outlook("input_enterprise_2025"))["scores"]
    kept = ForecastRecord.objects.get(indicator="input_enterprise", place="330000")
    assert kept.value is not None
    assert Fraction(score["error"]) == Fraction(kept.value, 10**10) - 5500
    assert score["inside"] is (kept.low <= 5500 * 10**10 <= kept.high)  # type: ignore[operator]
