"""Problems that may be the same are found by their bands, told by an exact likeness, and grouped without chains."""

from __future__ import annotations

import struct
from fractions import Fraction
from hashlib import blake2b
from itertools import combinations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rongtong.engine.alike import (
    BANDS,
    HASHES,
    MOST_TERMS,
    NEAR,
    ROWS,
    bands,
    clusters,
    likeness,
    near,
    normalised,
    shingles,
    sketch,
)

POWER = "台州华锐机械有限公司反映：厂区供电不稳，每周停电3次，损失120万元，请供电公司增容改造。"
TEXTS = st.text("企业用电停供水路税款请，。 1２3.5aＢ𠮷", max_size=24)
CORPUS = st.dictionaries(st.integers(0, 40), TEXTS, max_size=12)
LEAST = st.sampled_from([Fraction(1, 5), Fraction(2, 5), Fraction(1, 2), Fraction(1)])


def test_width_case_spaces_and_punctuation_make_no_difference() -> None:
    assert normalised("ＡＢＣ 公司，　欠款１２０万元！") == "abc公司欠款120万元" == normalised("abc公司欠款120万元")


def test_a_point_stays_within_a_number_only() -> None:
    assert normalised("1.5万元") == normalised("１．５万元") == "1.5万元" != normalised("15万元")
    assert normalised("1.企业反映.第2点.") == "1企业反映第2点"


def test_ideographs_of_every_plane_are_kept_and_pictures_are_not() -> None:
    assert normalised("鿫𠮷㐂🏭\U0001fa75\U0002ebf0") == "鿫𠮷㐂\U0002ebf0"


def test_shingles_are_the_runs_of_two_characters() -> None:
    assert shingles("停电，停电！") == {"停电", "电停"}
    assert shingles("电") == {"电"}
    assert shingles("，。") == frozenset()


@given(TEXTS, TEXTS)
def test_likeness_is_symmetric_and_shared_over_all(a: str, b: str) -> None:
    one, other = shingles(a), shingles(b)
    assert likeness(a, b) == likeness(b, a)
    assert likeness(a, b) * max(len(one | other), 1) == len(one & other)
    assert 0 <= likeness(a, b) <= 1
    assert (likeness(a, b) == 1) == (one == other and bool(one))


def test_another_firm_or_amount_is_nearly_alike_and_not_the_same() -> None:
    for other in (POWER.replace("120", "160"), POWER.replace("华锐", "恒泰")):
        assert NEAR < likeness(POWER, other) < 1


def test_the_sketch_of_a_text_is_the_same_everywhere_and_always() -> None:
    # Kept in databases: whoever changes these numbers makes every kept sketch worthless.
    made = blake2b(struct.pack(f"<{HASHES}q", *sketch(POWER)), digest_size=8).hexdigest()
    named = blake2b(struct.pack(f"<{BANDS}q", *bands(sketch(POWER))), digest_size=8).hexdigest()
    assert (sketch(POWER)[:2], made, named) == (
        (170153968614337695, 32980269906198564),
        "544e5d68aa82e41a",
        "61768871e1eba51a",
    )


def by_definition(text: str) -> tuple[int, ...]:
    """The sketch as its docstring defines it, number by number."""
    every = 2**64 - 1
    mixed = set()
    for shingle in shingles(text):
        x = 0
        for char in shingle:
            x = x << 21 | ord(char)
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & every
        x = (x ^ x >> 27) * 0x94D049BB133111EB & every
        mixed.add(x ^ x >> 31)
    drawn = [
        struct.unpack("<QQ", blake2b(f"rongtong.alike {k}".encode(), digest_size=16).digest()) for k in range(HASHES)
    ]
    return tuple(min(((a | 1) * x + b & every) >> 1 for x in mixed) for a, b in drawn) if mixed else ()


@given(st.one_of(TEXTS, st.text(max_size=24)))
@settings(deadline=None)
def test_the_sketch_is_what_its_definition_says(text: str) -> None:
    assert sketch(text) == by_definition(text)


@given(TEXTS)
def test_sketch_and_bands_fit_signed_64_bits(text: str) -> None:
    made = sketch(text)
    assert all(0 <= each < 2**63 for each in made)
    assert all(-(2**63) <= each < 2**63 for each in bands(made))
    assert (len(made), len(bands(made))) == ((HASHES, BANDS) if normalised(text) else (0, 0))


def test_the_bands_of_one_text_differ_although_their_content_is_equal() -> None:
    assert len(set(bands([7] * HASHES))) == BANDS


def test_texts_of_the_same_characters_share_every_band() -> None:
    assert bands(sketch(POWER)) == bands(sketch(POWER.replace("，", " ， ").replace("120", "１２０")))


def test_a_sketch_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=f"应有 {HASHES} 个数，却有 3 个"):
        bands([1, 2, 3])


def test_sketches_agree_about_as_often_as_the_texts_are_alike() -> None:
    dice, off = Random(3), []
    for _ in range(60):
        text = "".join(chr(0x4E00 + dice.randrange(3000)) for _ in range(120))
        cut = dice.randrange(10, 110)
        other = text[:cut] + "".join(chr(0x6000 + dice.randrange(3000)) for _ in range(120 - cut))
        agree = sum(a == b for a, b in zip(sketch(text), sketch(other), strict=True))
        off.append(Fraction(agree, HASHES) - likeness(text, other))
    # Sixty times HASHES draws: three standard errors of their mean are below 1/60, of one alone below 1/6.
    assert abs(sum(off) / len(off)) < Fraction(1, 60)
    assert max(map(abs, off)) < Fraction(1, 6)


@given(TEXTS, CORPUS, LEAST)
def test_near_lists_every_candidate_so_like_the_best_first(
    text: str, candidates: dict[int, str], least: Fraction
) -> None:
    found = near(text, candidates, least)
    assert {key for key, _ in found} == {k for k, other in candidates.items() if likeness(text, other) >= least}
    assert all(each == likeness(text, candidates[key]) for key, each in found)
    assert found == sorted(found, key=lambda each: (-each[1], each[0]))


@pytest.mark.parametrize("least", [Fraction(0), Fraction(11, 10)])
def test_a_threshold_that_everything_or_nothing_meets_is_refused(least: Fraction) -> None:
    with pytest.raises(ValueError, match="相似度下限"):
        near(POWER, {}, least)
    with pytest.raises(ValueError, match="相似度下限"):
        clusters({1: POWER}, least)


@given(CORPUS, LEAST, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_the_items_changes_no_cluster(items: dict[int, str], least: Fraction, dice: Random) -> None:
    shuffled = list(items.items())
    dice.shuffle(shuffled)
    assert clusters(items, least) == clusters(dict(shuffled), least)


@given(CORPUS, LEAST)
@settings(deadline=None)
def test_every_member_is_so_like_its_centre_and_in_no_other_cluster(items: dict[int, str], least: Fraction) -> None:
    found = clusters(items, least)
    members = [key for each in found for key in each.members]
    assert len(members) == len(set(members))
    for each in found:
        assert len(each.members) >= 2
        assert each.centre in each.members
        assert all(likeness(items[each.centre], items[key]) >= least for key in each.members)


@given(CORPUS, LEAST)
@settings(deadline=None)
def test_clusters_are_those_of_all_pairs_that_share_a_band(items: dict[int, str], least: Fraction) -> None:
    assert {(each.centre, each.members) for each in clusters(items, least)} == stars_of_all_pairs(items, least)


def stars_of_all_pairs(items: dict[int, str], least: Fraction) -> set[tuple[int, tuple[int, ...]]]:
    """The same stars, from every pair one by one; items of one normalised text stay together."""
    named = {key: set(bands(sketch(text))) for key, text in items.items() if normalised(text)}
    first = {key: min(k for k in named if normalised(items[k]) == normalised(items[key])) for key in named}
    alike = {key: {key: Fraction(1)} for key in named}
    for one, other in combinations(named, 2):
        if named[one] & named[other] and (f := likeness(items[one], items[other])) >= least:
            alike[one][other] = alike[other][one] = f
    pull = {key: sum(int(f * 10**6) for f in alike[key].values()) for key in named}
    centres: list[int] = []
    for key in sorted(set(first.values()), key=lambda key: (-pull[key], key)):
        if not any(centre in alike[key] for centre in centres):
            centres.append(key)
    of = {
        key: min((c for c in centres if c in alike[key]), key=lambda c: (-alike[key][c], centres.index(c)))
        for key in named
    }
    of = {
        key: key if first[key] == key in centres else first[key] if first[key] in centres else of[key] for key in named
    }
    grouped = {c: tuple(sorted(key for key in named if of[key] == c)) for c in centres}
    return {(c, members) for c, members in grouped.items() if len(members) > 1}


def test_a_chain_does_not_run_away() -> None:
    walk = "".join(chr(0x4E00 + at) for at in range(200))
    chain = {at: walk[at * 10 : at * 10 + 40] for at in range(16)}
    assert likeness(chain[0], chain[1]) > NEAR > likeness(chain[0], chain[2])
    assert all(len(each.members) <= 3 for each in clusters(chain, NEAR))


def test_a_common_problem_is_found_with_the_words_that_tell_it() -> None:
    firms = ["台州华锐", "宁波恒泰", "温州中天", "金华立德"]
    power = {f"p{n}": POWER.replace("台州华锐", firm).replace("120", str(100 + 37 * n)) for n, firm in enumerate(firms)}
    taxes = {
        f"t{n}": f"{firm}机械有限公司反映：出口退税审核周期过长，请税务部门加快办理。" for n, firm in enumerate(firms)
    }
    alone = {"z": "员工子女没有学位，希望增设公办幼儿园。"}
    found = clusters(power | taxes | alone, Fraction(1, 2))
    assert [each.members for each in found] == [("p0", "p1", "p2", "p3"), ("t0", "t1", "t2", "t3")]
    assert found[0].terms == ("请供电公司增容改造", "厂区供电不稳", "每周停电", "万元", "损失")
    assert found[1].terms == ("出口退税审核周期过长", "请税务部门加快办理")
    assert all(len(each.terms) <= MOST_TERMS for each in found)


def test_equal_texts_are_one_cluster_whose_centre_has_the_smallest_key() -> None:
    found = clusters({9: POWER, 4: POWER.replace("，", ""), 7: "另一件事"})
    assert [(each.members, each.centre) for each in found] == [((4, 9), 4)]


def test_nothing_and_empty_texts_make_no_cluster() -> None:
    assert clusters({}) == ()
    assert clusters({1: "", 2: "，。", 3: POWER}) == ()


def test_pairs_share_a_band_as_often_as_the_formula_says() -> None:
    dice = Random(5)
    words = ["".join(chr(0x4E00 + dice.randrange(900)) for _ in range(6)) for _ in range(400)]
    one = [dice.sample(words, 12) for _ in range(200)]
    other = [dice.sample(each, 12 - at % 8) + dice.sample(words, 1 + at % 3) for at, each in enumerate(one)]
    pairs = [("，".join(a), "。".join(b)) for a, b in zip(one, other, strict=True)]
    found = sum(bool(set(bands(sketch(a))) & set(bands(sketch(b)))) for a, b in pairs)
    expected = sum(1 - (1 - likeness(*pair) ** ROWS) ** BANDS for pair in pairs)
    assert 100 < expected < 190
    # Three standard errors of 200 draws at their widest.
    assert abs(found - expected) < 22


def test_another_size_of_shingle_can_be_asked_for() -> None:
    assert shingles("停电停电", 3) == {"停电停", "电停电"}
