"""`rongtong`: assembles the commands that the apps offer.

Exit codes: 0 fine, 1 findings, 2 usage or unusable input, 3 infeasible.
An app offers commands in its `commands.py` by `add(subparsers)`; a handler takes the parsed arguments and returns
the exit code; one that needs no instance says `bare=True`. With `--json` a handler prints one JSON document, exact numbers as strings.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

OFFERS = (
    "rongtong.setup",
    "rongtong.apps.packs.commands",
    "rongtong.apps.registry.commands",
    "rongtong.apps.records.commands",
    "rongtong.apps.cases.commands",
    "rongtong.apps.observations.commands",
    "rongtong.apps.planning.commands",
    "rongtong.apps.papers.commands",
    "rongtong.apps.portal.commands",
)


class UsageError(Exception):
    """The command cannot be carried out as asked; the message says what was found and what to do. Exit code 2."""


def parser() -> argparse.ArgumentParser:
    """The whole command line, with every app's commands."""
    root = argparse.ArgumentParser(prog="rongtong", description="融通：从条款到后果，一条链。")
    commands = root.add_subparsers(dest="command", required=True, metavar="命令")
    for name in OFFERS:
        importlib.import_module(name).add(commands)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rongtong.settings")
    import django

    from rongtong.instance import InstanceError, read_instance

    try:
        django.setup()
    except InstanceError as error:
        print(str(error), file=sys.stderr)
        return 2
    from rongtong.apps.packs.queries import NoPack
    from rongtong.apps.registry.access import Denied
    from rongtong.apps.registry.actions import RegistryError

    arguments = parser().parse_args(argv)
    try:
        if not getattr(arguments, "bare", False):
            read_instance()
        code: int = arguments.run(arguments)
    except (InstanceError, UsageError, NoPack, Denied, RegistryError) as error:
        print(str(error), file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader of a pipe (head, less) went away: not a fault of the command.
        sys.stderr.close()
        return 0
    return code
