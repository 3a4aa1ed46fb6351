"""A small sound pack with one statement of every kind: the tests of the check make one thing wrong in it."""

from __future__ import annotations

import json

POLYGON = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [0, 0]]]}


def shape(code: str) -> str:
    feature = {"type": "Feature", "properties": {"code": code}, "geometry": POLYGON}
    return json.dumps(feature)


SOUND: dict[str, str] = {
    "pack.yaml": 'code: t\nname: 试包\nversion: "1"\nroot_place: "900000"\n',
    "documents.yaml": """\
- code: plan
  title: 规划
  issuer: 某厅
  clauses:
    - {id: "1", about: 总投入}
    - {id: "2", about: 占比}
- code: yearbook
  title: 年鉴
  issuer: 某局
""",
    "places.csv": """\
code,name,short,level,valid_from,valid_to
900000,青省,青,province,,
900100,东市,东,city,,
900200,西市,西,city,,
900101,东一县,东一,county,,
900201,西旧县,西旧,county,,2020-12-31
900202,西新县,西新,county,2021-01-01,
900203,西三县,西三,county,2021-01-01,
""",
    "hierarchies.csv": """\
hierarchy,place,parent,valid_from,valid_to
administrative,900100,900000,,
administrative,900200,900000,,
administrative,900101,900100,,
administrative,900201,900200,,2020-12-31
administrative,900202,900200,2021-01-01,
administrative,900203,900200,2021-01-01,
fiscal,900101,900100,,2019-12-31
fiscal,900101,900000,2020-01-01,
""",
    "bridges.csv": "date,old,new,weight,source\n2021-01-01,900201,900202,0.6,公告\n2021-01-01,900201,900203,0.4,公告\n",
    "groups.yaml": '- code: east\n  name: 东部\n  places: ["900100"]\n',
    "chains.csv": "code,name,scheme,part,parent,document,clause\nbig,大链,s,whole,,plan,1\nsmall,小链,s,part,big,plan,1\n",
    "departments.csv": "code,name\nkjt,科技厅\n",
    "scopes.yaml": """\
- code: input
  name: 创新投入
  definition: 各类主体的投入。
  never_with: {rd: 两套口径互有交叉}
- code: rd
  name: 研发经费
  definition: 内部支出。
  never_with: {input: 两套口径互有交叉, rd_out: 受托方会再记一次}
- code: rd_out
  name: 外部支出
  definition: 委托出去的支出。
  never_with: {rd: 受托方会再记一次}
- code: economy
  name: 经济
  definition: 总量。
- code: ratio
  name: 比例
  definition: 相对数。
""",
    "indicators/a.yaml": """\
- {code: total, name: 总投入, definition: 定义, scope: input, unit: 亿元, owner: kjt, lamp: pace, basis: [{document: plan, clause: "1"}]}
- {code: firms, name: 企业投入, definition: 定义, scope: input, unit: 亿元, part_of: total, basis: [{document: plan}]}
- {code: public, name: 政府投入, definition: 定义, scope: input, unit: 亿元, part_of: total, basis: [{document: plan}]}
- {code: total_yoy, name: 总投入增速, definition: 定义, scope: ratio, unit: "%", measure_of: {indicator: total, measure: yoy}, basis: [{document: plan}]}
- {code: rd, name: 研发经费, definition: 定义, scope: rd, unit: 亿元, basis: [{document: yearbook}]}
- {code: rd_out, name: 外部支出, definition: 定义, scope: rd_out, unit: 万元, basis: [{document: yearbook}]}
- {code: gdp, name: 生产总值, definition: 定义, scope: economy, unit: 亿元, basis: [{document: yearbook}]}
- {code: intensity, name: 强度, definition: 定义, scope: ratio, unit: "%", formula: rd / gdp, basis: [{document: yearbook}]}
- {code: labs, name: 平台数, definition: 定义, scope: economy, unit: 家, basis: [{document: plan}]}
""",
    "commitments.csv": """\
id,document,clause,kind,name,comparator,value,unit,period,department,department_inferred,indicator,unmeasured
T1,plan,1,measured,总投入,>=,100,亿元,2025,科技厅,,total,
T2,plan,2,strive,强度,>=,3,%,2025,,kjt,intensity,
T3,plan,2,standing_rule,政府投入只增不减,,,,,财政厅,,public,
T4,plan,2,deliverable,出台办法,,,,2025,,,,以文件印发为准
""",
    "targets.yaml": """\
- {code: total_2025, indicator: total, place: "900000", period: "2025", kind: level, comparator: ">=", value: "100", unit: 亿元, lamp: pace, commitment: T1, baseline: milestones, milestones: {2025H1: "45", "2025": "100"}, cite: {document: plan, clause: "1"}}
- {code: firms_2025, indicator: firms, place: "900000", period: "2025", kind: level, comparator: ">=", value: "70", unit: 亿元, cite: {document: plan}}
- {code: public_2025, indicator: public, place: "900000", period: "2025", kind: monotone, comparator: ">=", commitment: T3, cite: {document: plan}}
- {code: total_growth, indicator: total, place: "900000", period: "2025", kind: growth, comparator: ">=", value: "8", unit: "%", cite: {document: plan}}
- {code: rd_faster, indicator: rd, place: "900000", period: "2025", kind: relative, comparator: ">", reference: {indicator: total, margin: "2", unit: 百分点}, cite: {document: plan}}
- {code: firms_share, indicator: firms, place: "900000", period: "2025", kind: share, comparator: ">=", value: "70", unit: "%", reference: {denominators: [total]}, cite: {document: plan}}
- {code: every_city, indicator: intensity, place: "900000", period: "2025", kind: for_all, comparator: ">=", value: "2", unit: "%", reference: {over: city}, cite: {document: plan}}
""",
    "balances.yaml": '- {code: b, period: "2025", total: total_2025, parts: [firms_2025], readings: [还有别的主体]}\n',
    "lamps.yaml": """\
- code: pace
  name: 进度
  basis: pace
  valid_from: 2025-01-01
  cases:
    - {lamp: green, when: ratio >= 1}
    - {lamp: red, when: "True"}
""",
    "uses.yaml": "- {code: award, name: 评选, cite: {document: plan}, indicators: [total, gdp, rd_out, labs]}\n",
    "sources/s.yaml": """\
code: s
name: 月报
place_column: 地区
place_by: name
place_names: {东: "900100"}
period_column: 月份
known_from_column: 日期
columns:
  - {column: 外部支出(万元), indicator: rd_out, unit: 万元, scope: rd_out, chain: big, add: [其他(万元)], add_scopes: [rd_out]}
""",
    "demo.yaml": """\
- indicator: total
  level: city
  unit: 亿元
  totals: [{year: 2024, value: "90", source: 假设}]
  weights: rd@2024
  phases: {H1: "0.45", "01..09": "0.7"}
  current: {2025H1: "45"}
  seed: 1
""",
    "calendar.csv": "date,kind,name,source\n2025-10-01,holiday,国庆节,通知\n2025-09-28,workday,调休,通知\n",
    "allocations/x.yaml": """\
code: x
name: 分解
indicator: total
period: "2025"
total: {target: total_2025}
unit: 亿元
weights: [{figure: rd@2024, share: "1"}]
subjects: [{code: firm, name: 企业, weight: "1"}]
floors: [{place: 东, subject: firm, growth: "0.06", over: total@2024}]
""",
    "papers/dispatch.yaml": """\
code: dispatch
title: 材料
organisation: 某厅
indicators: [total]
sections: [{key: one, heading: 一}]
sentences: {overall: "{place}{name}{value}{unit}[,同比{yoy~}]。"}
""",
    "data/d.csv": """\
indicator,place,period,value,unit,status,known_from,source
rd,900100,2024,50,亿元,actual,2025-06-01,年鉴
rd,900200,2024,30,亿元,actual,2025-06-01,年鉴
""",
    "shapes/all.geojson": '{"type": "FeatureCollection", "features": [\n'
    + ",\n".join(shape(c) for c in ("900100", "900200", "900101", "900202", "900203"))
    + "\n]}\n",
}
