"""`rongtong scrub`: clean the store's own files of what was erased, and look whether words are still in any file."""

from __future__ import annotations

import argparse

from rongtong.instance import home_folder


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Offer `rongtong scrub`."""
    scrub = commands.add_parser(
        "scrub", help="删除个人信息之后：清除库文件、WAL 里的残留（SQLite 随即自动做，PostgreSQL 由此做）"
    )
    scrub.add_argument(
        "--look-for",
        nargs="+",
        default=[],
        metavar="文字",
        help="再逐个文件找这些文字（如旧用户名、姓名），找到的列出，退出码 1",
    )
    scrub.set_defaults(run=_scrub)


def _scrub(arguments: argparse.Namespace) -> int:
    from rongtong.apps.records import scrubbing
    from rongtong.apps.records.looking import holding

    try:
        done = scrubbing.scrub()
    except scrubbing.NotScrubbed as error:
        print(error)
        return 1
    print(f"已清除库文件里的残留，{done.erasures} 件个人信息的删除就此完成。旧备份和数据库服务器的归档日志仍须轮换。")
    for each in done.undone:
        print(f"要请数据库管理员做：{each}")
    for each in done.stay:
        print(f"这个文件含有已删除的人，程序改不了，请看过后处理：{each}")
    found = list(holding(home_folder(), arguments.look_for)) if arguments.look_for else []
    for path in found:
        print(f"仍含所找的文字：{path}")
    if arguments.look_for and not found:
        print("实例文件夹的各个文件里都没有所找的文字（备份文件夹与 PostgreSQL 的数据目录不在此内）。")
    return 1 if found or done.undone or done.stay else 0
