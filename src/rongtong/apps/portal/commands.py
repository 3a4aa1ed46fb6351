"""The command that serves the pages."""

from __future__ import annotations

import argparse
import os
from typing import Any


def add(commands: Any) -> None:
    """Offer the command."""
    p = commands.add_parser("serve", help="启动网页与 API")
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))
    p.add_argument("--workers", type=int, default=1)
    p.set_defaults(run=serve)


def serve(args: argparse.Namespace) -> int:
    from rongtong.serve import serve as run

    print(f"http://{args.host}:{args.port}/", flush=True)
    return run(args.host, args.port, args.workers)
