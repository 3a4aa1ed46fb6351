"""Files between preview and confirmation: kept on the server for a day, for the account that sent them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from rongtong import clock
from rongtong.apps.observations.models import Upload
from rongtong.apps.records.actions import act
from rongtong.apps.registry.access import Denied, may, visible_places
from rongtong.apps.registry.models import Account

UPLOAD = "observations.upload"
KEPT_FOR = timedelta(days=1)


def keep(data: bytes, name: str, *, actor: Account) -> Upload:
    """Keep a file until it is confirmed; files past their day are removed. Raises Denied for who may not report."""
    sha256 = hashlib.sha256(data).hexdigest()
    with act(UPLOAD, actor=actor, place=office(actor), subject=f"sha256:{sha256[:16]}") as done:
        Upload.objects.filter(at__lt=clock.now() - KEPT_FOR).delete()
        made = Upload.objects.create(account=actor, sha256=sha256, name=name[-255:], content=data, at=clock.now())
        done.payload = {"file": made.name, "sha256": sha256, "bytes": len(data)}
    return made


def kept(actor: Account, pk: int) -> Upload:
    """A file this account sent within the last day. Raises Upload.DoesNotExist."""
    return Upload.objects.get(pk=pk, account=actor, at__gte=clock.now() - KEPT_FOR)


def content(upload: Upload) -> bytes:
    """The bytes of a kept file; PostgreSQL gives a view of them."""
    return bytes(upload.content)


def office(actor: Account) -> str:
    """The place an account reports for: the topmost one it may send files about. Raises Denied when there is none."""
    found = next((place for place in visible_places(actor).places if may(actor, UPLOAD, place)), None)
    if found is None:
        raise Denied(f"{actor.name or actor.username}没有报送数据的授权，不能上传文件。需要时请联系安全管理员。")
    return found
