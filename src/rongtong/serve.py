"""Serving pages and API: gunicorn's threaded worker, bound to the local address unless told otherwise."""

from __future__ import annotations

import gc
import io
import socket
from typing import Any
from wsgiref.util import setup_testing_defaults

from rongtong.cli import UsageError
from rongtong.instance import read_instance


def serve(host: str, port: int, workers: int = 1, threads: int = 8) -> int:
    """Serve until interrupted. Raises UsageError when the instance must not serve or the address is taken."""
    from rongtong.doctor import why_not_serve

    reasons = why_not_serve(read_instance())
    if reasons:
        raise UsageError("\n".join(reasons))
    _free(host, port)
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            options: dict[str, Any] = {
                "bind": f"{host}:{port}",
                "workers": workers,
                "threads": threads,
                "worker_class": "gthread",
                "accesslog": None,
                "loglevel": "warning",
                "timeout": 120,
                "proc_name": "rongtong",
                "control_socket_disable": True,
                "post_worker_init": _settle,
                "worker_exit": lambda _arbiter, _worker: gc.unfreeze(),
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            from rongtong.wsgi import application

            return application

    Application().run()
    return 0


# The rounds of the garbage collector: the youngest objects are gone through at so many more, older ones at every tenth
# round. At Python's 700, objects of pages still being made are taken for lasting ones, and a full round follows every
# few seconds (docs/decisions/0019).
ROUNDS = (20_000, 10, 10)


def _settle(worker: Any) -> None:
    """Open the first page, which loads what every page needs, and take that out of the collector's rounds."""
    from django.conf import settings

    host = settings.ALLOWED_HOSTS[0].removeprefix(".")
    asked: dict[str, Any] = {"HTTP_HOST": host, "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO()}
    setup_testing_defaults(asked)
    for _ in worker.wsgi(asked, lambda *_: None):
        pass
    gc.collect()
    gc.freeze()
    gc.set_threshold(*ROUNDS)


def _free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"{host}:{port} 不能用（{error.strerror}）。请换一个端口：PORT=8001 make demo。"
            ) from error
