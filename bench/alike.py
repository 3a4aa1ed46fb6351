"""Problems that may be the same: what the bands find and miss, and their speed beside datasketch 2 (MIT).

    pip install datasketch && python bench/alike.py [--texts 140000] [--labelled 2000] [--rounds 5]

A corpus of fixed seed: problems of firms composed of clauses; of some a copy as another channel brings it (other order,
pleasantries, slips, full-width digits, a clause less, several of these, or told anew in other words); confusable ones,
the same but for the firm or the amount. Prints what all pairs hold by size of shingle and threshold, then recall and
precision of bands with exact likeness, ours and the peer's, both checked against all pairs; then speeds in turns. Exits
1 where either holds a pair that all pairs do not, or ours less than 0.97 of the copies they hold. CPU seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import datasketch

from rongtong.engine.alike import (
    BANDS,
    COMMON,
    HASHES,
    NEAR,
    ROWS,
    SIZE,
    Cluster,
    bands,
    clusters,
    near,
    shingles,
    sketch,
)


def words(text: str) -> list[str]:
    """The parts of a list between slashes or, without any, between spaces."""
    return text.split("/" if "/" in text else None)


PLACES = words(
    "杭州余杭 宁波鄞州 温州乐清 嘉兴平湖 湖州德清 绍兴柯桥 金华义乌 衢州龙游 舟山定海 台州温岭 丽水缙云 宁波慈溪 金华永康 绍兴诸暨 温州瑞安 台州玉环"
)
NAMED = "华锐恒泰中天新正诚博宏远科捷金星海立德信嘉瑞飞腾安创联盛永兴东方长明百利欧亚通力凯达万和美佳源伟业拓普赛思"
GOODS = words(
    "轴承 减速器 阀门 水泵 纺织面料 染料 光伏组件 锂电池 传感器 模具 汽车配件 医疗器械 缝纫机 机床 智能仪表 电线电缆 紧固件 特种纸 工业机器人 芯片封装"
)
# What happened; what it did; what is asked for. One problem takes one of each of its row, in words of its own.
TOPICS = [
    row.split("|")
    for row in """
出口退税审核周期过长,超过{n}个月仍未到账/申报的出口退税{n}万元迟迟没有退付/退税进度慢，材料反复补正{n}次|流动资金占用达{m}万元,周转困难/账面资金紧张，已影响原料采购/不得不贷款{m}万元垫付|请税务部门加快办理/希望压缩退税时限/恳请明确退付日期
厂区经常停电,本月已停电{n}次/供电线路老化，电压不稳，每天跳闸{n}次/夏季限电每周停产{n}天|订单{m}万元面临违约/精密设备损坏，损失{m}万元/产能下降三成|请供电公司增容改造/希望列入有序用电白名单/要求提前告知停电计划
新厂房用地指标迟迟未落实,项目等待{n}个月/扩产需用地{n}亩，一直没有批复/规划调整后地块无法出让|投资{m}万元的项目无法开工/已签约设备无处安放/合作方可能撤资|请自然资源部门统筹指标/希望安排标准厂房过渡/请求尽快组织挂牌
技术工人招不到,缺口{n}人/高级技工流失严重，今年走了{n}人/研发人员引进难，{n}个岗位空缺半年|生产线开工率只有一半/交货推迟，赔付{m}万元/研发项目停滞|希望组织校企对接/请人社部门举办专场招聘/建议放宽职称评审条件
银行抽贷断贷,要求提前归还{m}万元/贷款到期不能续贷，转贷成本高/抵押物评估偏低，授信减少{m}万元|资金链紧张,工资难以按时发放/扩产计划搁置/供应商停止供货|请金融办协调续贷/希望提供政府性融资担保/请求纳入应急转贷
员工子女入学难,{n}名骨干的孩子没有学位/积分入学门槛高，外来员工够不上/附近没有公办幼儿园|骨干员工准备离职/人心不稳/招来的工程师又走了|请教育部门安排学位/希望增设公办园/请求企业人才子女就近入学
环评审批时间长,等待{n}个月/排污总量指标没有着落/危险废物处置费涨到每吨{n}百元|技改项目{m}万元不能投产/仓库堆满危废/可能错过市场旺季|请生态环境部门提前介入/希望统筹区域总量/请求增加处置单位
研发费用加计扣除材料复杂,退回{n}次/研发项目鉴定标准不一/高新技术企业认定补正{n}次|少享受优惠{m}万元/财务人员疲于应付/影响申报资格|请科技和税务部门统一口径/希望开展专题辅导/建议简化备查资料
海关查验等待时间长,集装箱滞留{n}天/原产地证书办理需{n}天/检验检疫标准变化没有提前通知|滞港费{m}万元/客户取消订单/冷链货物受损|请海关优化查验/希望增加签证窗口/请求提供预警信息
商标被抢注,海外维权难/专利侵权取证困难，立案{n}个月没有结果/同行仿冒{n}款产品|市场份额下滑，损失{m}万元/无力承担诉讼费用/品牌受损|请市场监管部门查处/希望开展快速维权/请求知识产权保护中心指导
政府工程款拖欠,{m}万元逾期{n}个月/验收完成后迟迟不结算/国企以审计为由不付款{m}万元|无法支付材料款/被供应商起诉/垫资压力大|请清欠办督促付款/希望明确付款时间/请求依法清偿
厂区门口道路破损,大货车通行困难/公交线路取消，{n}百名员工上下班不便/高速出口施工绕行{n}公里|运输成本每月增加{m}万元/员工迟到率上升/发生{n}起事故|请交通部门修复/希望恢复公交/请求设置临时便道
天然气价格上涨,每立方米涨{n}角/蒸汽供应不稳，每周停{n}次/用气合同量被削减|成本增加{m}万元/产品质量波动/利润被吃光|请发改部门稳定气价/希望协调气源/请求提前公布检修计划
惠企补助没有兑现,{m}万元已公示{n}个月/奖励政策到期不再执行/申报系统打不开，错过截止日期|资金安排落空/企业信心受挫/设备尾款无法支付|请经信部门尽快拨付/希望过渡期保留政策/请求补报
""".strip().splitlines()
]
OPENINGS = words(
    "我公司位于{p}，主要生产{g}/{f}是一家{g}企业，年产值{m}万元/{f}反映/企业成立{n}年，从事{g}研发制造，员工{n}百人/{f}，联系电话{d}/本企业为{p}的{g}专精特新企业"
)
EXTRAS = words(
    "上述情况已持续{n}个月/曾于{n}月向街道反映，没有结果/同园区另有{n}家企业情况相同/我们的客户主要在德国和越南/今年计划投入研发{m}万元/附近企业也多有意见/目前{g}订单排到{n}月/此事关系到下半年的生产安排/相关合同编号{d}/去年同期没有出现这种情况/已经与主管部门沟通{n}次/如需现场查看，可随时联系{d}"
)
# Clauses of each one's own: who, how, what, of what.
OWN = [
    row.split()
    for row in """
车间 财务部 仓库 采购 质检 董事会 合作银行 物流公司 海外客户 设计院 行业协会 外贸员 审计 老厂区 二期项目 供应商 经销商 技术总监 高校团队 生产线
上周 目前 多次 至今 年初 原本 临时 不得不 已经 正在 随后 难以 反复 勉强 尚未 集中
核对 调整 推迟 更换 盘点 压缩 协商 增加 退回 评估 检修 重做 外包 改装 签署 搬迁 试用 追加 抽检 备案
排产计划 包装图纸 进口零件 运费报价 展会样品 消防设施 社保名册 检测报告 厂房租约 冷却系统 招标文件 废料清单 信用证 出货批次 软件许可 培训方案 保险条款 中试数据 模具配方 员工宿舍
""".strip().splitlines()
]
POLITE_FIRST = words("您好，/尊敬的领导：您好！/来电人反映：/12345热线转办，/走访中了解到，/你们好，想咨询一件事，")
POLITE_LAST = words(
    "，谢谢！/，望尽快解决，万分感谢。/，盼复。/，请帮忙协调一下，辛苦了！/，以上情况属实。/，期待您的回复，祝工作顺利！"
)
SLIPS = {
    "的": "地",
    "在": "再",
    "已": "以",
    "帐": "账",
    "账": "帐",
    "做": "作",
    "请": "清",
    "税": "说",
    "款": "欵",
    "订": "定",
}
THRESHOLDS = tuple(Fraction(n, 10) for n in (2, 3, 4, 5, 6))
SIMPLE = ("other order", "pleasantries", "slips", "full-width digits", "a clause less")
KINDS = (*SIMPLE, "several", "told anew")


@dataclass(frozen=True)
class Told:
    """A problem as told: its clauses, the firm, the first amount it names, and the row of TOPICS it is about."""

    clauses: tuple[str, ...]
    firm: str
    amount: str
    topic: int

    def text(self) -> str:
        return "，".join(self.clauses) + "。"


def told(dice: Random) -> Told:
    """One problem, of 20 to about 300 characters."""
    place, goods = dice.choice(PLACES), dice.choice(GOODS)
    firm = f"{place[:2]}{''.join(dice.sample(NAMED, 2))}{goods}有限公司"

    def filled(text: str) -> str:
        return text.format(
            p=place,
            g=goods,
            f=firm,
            n=dice.randint(2, 29),
            m=dice.randint(11, 990) * 10,
            d=dice.randrange(10**7, 10**8),
        )

    topic = dice.randrange(len(TOPICS))
    happened, did, asked = (dice.choice(part.split("/")) for part in TOPICS[topic])
    clauses = [firm + "反映"] if dice.random() < 0.5 else dice.sample(OPENINGS, dice.randint(1, 2))
    own = ["".join(map(dice.choice, OWN)) for _ in range(dice.choice((0, 1, 2, 4, 6, 10)))]
    clauses += [happened, did][: dice.randint(1, 2)] + own + dice.sample(EXTRAS, dice.randint(0, 2)) + [asked]
    made = tuple(map(filled, clauses))
    digits = "".join(c if c.isdigit() else " " for c in "，".join(made)).split()
    return Told(made, firm, digits[0] if digits else "", topic)


def copy(of: Told, kind: str, dice: Random) -> str:
    """The problem as another channel brings it."""
    if kind == "told anew":
        return anew(of, dice)
    several = set(dice.sample(SIMPLE, 3)) if kind == "several" else {kind}
    clauses = list(of.clauses)
    if "a clause less" in several and len(clauses) > 2:
        del clauses[dice.randrange(len(clauses))]
    if "other order" in several:
        dice.shuffle(clauses)
    text = dice.choice("，,；。").join(clauses)
    if "pleasantries" in several:
        text = dice.choice(POLITE_FIRST) + text + dice.choice(POLITE_LAST)
    if "slips" in several:
        text = "".join(slipped(c, dice) if dice.random() < 0.06 else SLIPS.get(c, c) for c in text)
    if "full-width digits" in several:
        text = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text).replace("，", " ， ")
    return text


def anew(of: Told, dice: Random) -> str:
    """The firm's problem by another who writes: a third of the clauses kept, the rest in other words on the same topic."""
    kept = dice.sample(of.clauses, max(len(of.clauses) // 3, 1))
    other = [
        dice.choice(part.split("/")).format(n=dice.randint(2, 29), m=dice.randint(11, 990)) for part in TOPICS[of.topic]
    ]
    return "，".join([of.firm, *kept, *other, *("".join(map(dice.choice, OWN)) for _ in range(len(kept)))])


def slipped(char: str, dice: Random) -> str:
    """A character left out, doubled or another one."""
    return dice.choice(("", char * 2, dice.choice(NAMED)))


def confusable(of: Told, dice: Random) -> str:
    """Another problem in the same words: another firm, or another amount where the text has one."""
    text = of.text()
    if of.amount and (of.firm not in text or dice.random() < 0.5):
        return text.replace(of.amount, str(int(of.amount) + dice.randint(1, 900)), 1)
    other = told(dice).firm
    return text.replace(of.firm, other) if of.firm in text else other + text


Pairs = dict[tuple[int, int], Fraction]


@dataclass(frozen=True)
class Corpus:
    """Texts; which pairs are one problem told twice, with the kind of the copy; which are confusable but two problems."""

    texts: tuple[str, ...]
    same: Mapping[tuple[int, int], str]
    confusable: frozenset[tuple[int, int]]


def corpus(count: int) -> Corpus:
    """Of every four texts two are problems, one a copy of the first and one confusable with the second."""
    dice, texts = Random(2026), list[str]()
    same, confused = {}, set()
    for at in range(0, count, 4):
        one, other = told(dice), told(dice)
        kind = KINDS[at // 4 % len(KINDS)]
        texts += [one.text(), other.text(), copy(one, kind, dice), confusable(other, dice)]
        same[at, at + 2] = kind
        confused.add((at + 1, at + 3))
    return Corpus(tuple(texts), same, frozenset(confused))


def all_pairs(texts: Sequence[str], size: int, least: Fraction) -> Pairs:
    """The oracle: every pair at least so alike, by its shingles."""
    broken, found = [shingles(text, size) for text in texts], Pairs()
    for i, j in combinations(range(len(texts)), 2):
        shared = len(broken[i] & broken[j])
        both = len(broken[i]) + len(broken[j]) - shared
        if shared * least.denominator >= least.numerator * both:
            found[i, j] = Fraction(shared, both)
    return found


def indexed(texts: Sequence[str]) -> dict[int, list[int]]:
    """Ours as the table has it: band to texts."""
    index = defaultdict(list)
    for at, text in enumerate(texts):
        for band in bands(sketch(text)):
            index[band].append(at)
    return index


def looked_up(text: str, index: Mapping[int, Sequence[int]], texts: Sequence[str]) -> list[tuple[int, Fraction]]:
    """Ours: candidates by their bands, then exactly."""
    return near(text, {at: texts[at] for band in bands(sketch(text)) for at in index.get(band, ())}, NEAR)


def peer_sketch(text: str) -> datasketch.MinHash:
    """The peer's sketch of the same shingles, as large as ours."""
    made = datasketch.MinHash(num_perm=HASHES)
    made.update_batch([each.encode() for each in shingles(text)])
    return made


def peer_index(texts: Sequence[str]) -> datasketch.MinHashLSH:
    """The peer's index with as many bands and rows."""
    index = datasketch.MinHashLSH(num_perm=HASHES, params=(BANDS, ROWS))
    for at, text in enumerate(texts):
        index.insert(at, peer_sketch(text))
    return index


def peer_looked_up(text: str, index: datasketch.MinHashLSH, texts: Sequence[str]) -> list[tuple[int, Fraction]]:
    """The peer's candidates, then exactly as ours."""
    return near(text, {at: texts[at] for at in index.query(peer_sketch(text))}, NEAR)


def sizes(of: Corpus) -> None:
    """Recall of copies and other pairs found, by size of shingle and threshold, over all pairs."""
    print(
        f"all pairs of {len(of.texts):,} texts; copies found, of {len(of.same)} / pairs found that are neither copy nor confusable"
    )
    for size in (1, 2, 3, 4):
        found = all_pairs(of.texts, size, THRESHOLDS[0])
        row = []
        for least in THRESHOLDS:
            held = {pair for pair, f in found.items() if f >= least}
            row.append(f"≥ {least}: {len(held & of.same.keys())}/{len(held - of.same.keys() - of.confusable)}")
        print(f"  {size} characters   " + "   ".join(row))


def judged(of: Corpus) -> bool:
    """Bands and exact likeness against all pairs; whether they hold no other pair and 0.99 of them."""
    truth = all_pairs(of.texts, SIZE, NEAR)
    index, theirs = indexed(of.texts), peer_index(of.texts)
    every = enumerate(of.texts)
    found = {(at, o): f for at, text in every for o, f in looked_up(text, index, of.texts) if o > at}
    every = enumerate(of.texts)
    peers = {(at, o): f for at, text in every for o, f in peer_looked_up(text, theirs, of.texts) if o > at}
    sound = found.items() <= truth.items() and peers.items() <= truth.items()
    for name, held in (("all pairs", truth), ("ours", found), ("datasketch", peers)):
        copies, confused = held.keys() & of.same.keys(), held.keys() & of.confusable
        print(
            f"  {name:<12} {len(held):>6} pairs ({len(held) / len(truth):.4f})   copies {len(copies)} of {len(of.same)}"
            f"   confusable {len(confused)} of {len(of.confusable)}, of likeness 1: {sum(held[p] == 1 for p in confused)}"
            f"   precision {len(copies) / len(held):.3f}, with confusable {(len(copies) + len(confused)) / len(held):.3f}"
        )
    missed = Counter(kind for pair, kind in of.same.items() if pair not in found)
    below = Counter(kind for pair, kind in of.same.items() if pair not in truth)
    print(
        f"  copies of {len(of.same) // len(KINDS)} a kind missed: {dict(missed)}, of these under the threshold: {dict(below)}"
    )
    print(f"  every likeness equal: {sound}")
    return sound and len(found.keys() & of.same.keys()) >= 0.97 * len(truth.keys() & of.same.keys())


def timed(work: Callable[[], object]) -> float:
    """CPU seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


def in_turns(texts: Sequence[str], rounds: int) -> None:
    """Sketches, index and look-ups of ours and the peer's, turn by turn."""
    asked = texts[:: max(len(texts) // 200, 1)]
    index, theirs = indexed(texts), peer_index(texts)
    work: dict[str, tuple[int, Callable[[], object]]] = {
        "sketch and bands, ours": (len(texts), lambda: [bands(sketch(text)) for text in texts]),
        "sketch, datasketch": (len(texts), lambda: [peer_sketch(text) for text in texts]),
        "index of all, ours (a dict)": (len(texts), lambda: indexed(texts)),
        "index of all, datasketch": (len(texts), lambda: peer_index(texts)),
        "look-up with exact likeness, ours": (len(asked), lambda: [looked_up(text, index, texts) for text in asked]),
        "the same, datasketch": (len(asked), lambda: [peer_looked_up(text, theirs, texts) for text in asked]),
    }
    taken: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, (many, each) in work.items():
            taken[name].append(timed(each) / many * 1e6)
    print(f"{len(texts):,} texts, in turns, µs each")
    for name, found in taken.items():
        print(f"  {name:<36} {statistics.median(found):>9,.0f}   ({min(found):,.0f}–{max(found):,.0f})")


def at_size(count: int) -> None:
    """Sketches of a year, one look-up among them."""
    dice = Random(7)
    texts = [told(dice).text() for _ in range(count)]
    made: list[dict[int, list[int]]] = []
    took = timed(lambda: made.append(indexed(texts)))
    print(f"{count:,} texts: sketches, bands and index {took:.1f} s")
    asked, shared, each = texts[:: count // 200], list[int](), list[float]()
    for text in asked:
        shared.append(len({at for band in bands(sketch(text)) for at in made[0][band]}))
        each.append(1000 * timed(lambda: looked_up(text, made[0], texts)))  # noqa: B023
    print(f"  a look-up: median {statistics.median(each):.1f} ms, worst of {len(each)} {max(each):.1f} ms", end="")
    print(f"; candidates median {statistics.median(shared):.0f}, most {max(shared)}")


def common(count: int) -> None:
    """Clusters of problems: time, and how often a member is of its centre's topic."""
    dice = Random(11)
    problems = [told(dice) for _ in range(count)]
    found: list[tuple[Cluster[int], ...]] = []
    took = timed(lambda: found.append(clusters({at: each.text() for at, each in enumerate(problems)})))
    members = [(each.centre, at) for each in found[0] for at in each.members if at != each.centre]
    right = sum(problems[centre].topic == problems[at].topic for centre, at in members)
    largest = max(len(each.members) for each in found[0])
    print(
        f"  {count:>7,} problems: {took:>6.1f} s, {len(found[0]):,} clusters of {len(members) + len(found[0]):,}, largest {largest},",
        end=" ",
    )
    print(f"of the centre's topic {right / len(members):.3f}")
    for each in found[0][:3]:
        print(f"    {len(each.members)}: {'、'.join(each.terms)}")


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=140_000)
    parser.add_argument("--labelled", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    print(f"datasketch {version('datasketch')}, {os.cpu_count()} CPUs, {BANDS} bands of {ROWS}, threshold {NEAR}")
    print("load before: " + " ".join(f"{part:.2f}" for part in os.getloadavg()))
    labelled = corpus(wanted.labelled)
    sizes(labelled)
    good = judged(labelled)
    in_turns(labelled.texts, wanted.rounds)
    print(f"clusters from {COMMON}")
    for share in (32, 8, 1):
        common(wanted.texts // share)
    at_size(wanted.texts)
    print("load after: " + " ".join(f"{part:.2f}" for part in os.getloadavg()))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
