"""Serving pages and API: gunicorn's threaded worker, bound to the local address unless told otherwise."""

from __future__ import annotations

import socket
from typing import Any

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
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            from rongtong.wsgi import application

            return application

    Application().run()
    return 0


def _free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"{host}:{port} 不能用（{error.strerror}）。请换一个端口：PORT=8001 make demo。"
            ) from error
