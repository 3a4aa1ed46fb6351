"""The second factor: one-time codes (TOTP, RFC 6238) and recovery codes. docs/decisions/0010-login-security.md.

The key of an account is derived from the instance's secret and a random nonce (HMAC-SHA-256 as a key derivation); the
store holds the nonce only, so that a copy of the store alone cannot make codes.
"""

from __future__ import annotations

import base64
import hmac
import secrets

from django.conf import settings
from django.db import transaction
from django.utils.crypto import salted_hmac

from rongtong import qr
from rongtong.apps.records.actions import act
from rongtong.apps.registry import access, moment, sessions
from rongtong.apps.registry.actions import RegistryError, account_subject
from rongtong.apps.registry.models import Account, RecoveryCode, SecondFactor
from rongtong.apps.registry.roles import SECOND_FACTOR

ISSUER = "融通"
STEP_SECONDS = 30
DRIFT = 1
RECOVERY_CODES = 10
# Without the characters that are read for one another.
RECOVERY_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def required(account: Account) -> bool:
    """Whether the account must log in with a code: the instance asks for it and it signs or administers."""
    if settings.SECOND_FACTOR != "required":
        return False
    return any(grant.role in SECOND_FACTOR for grant in access.held_grants(account))


def enrolled(account: Account) -> bool:
    """Whether codes are set up and a first one was right."""
    return SecondFactor.objects.filter(account_id=account.pk, confirmed_at__isnull=False).exists()


def new_nonce() -> str:
    """What the key of a second factor is derived from; until the first code it lies in the session of who sets it up."""
    return secrets.token_hex(32)


def prepared(account: Account, nonce: str) -> SecondFactor:
    """The second factor that the account is setting up; it is stored with its first code only."""
    return SecondFactor(account=account, nonce=nonce)


def key_text(factor: SecondFactor) -> str:
    """The key in Base32, as authenticator programs take it (160 bits, RFC 4226)."""
    derived = salted_hmac(f"rongtong.totp.{factor.account_id}", factor.nonce, algorithm="sha256").digest()
    return base64.b32encode(derived[:20]).decode("ascii")


def address(factor: SecondFactor) -> str:
    """The otpauth: address that the QR code holds."""
    import pyotp

    return str(pyotp.TOTP(key_text(factor)).provisioning_uri(name=factor.account.username, issuer_name=ISSUER))


def qr_svg(factor: SecondFactor) -> str:
    """The address as an SVG picture for the page, with presentation attributes only."""
    return qr.svg(address(factor))


def confirm(account: Account, nonce: str, code: str) -> tuple[str, ...]:
    """Finish the set-up with a first code and return the recovery codes, which are shown once.

    Raises RegistryError for a wrong code or when it was finished before.
    """
    with act("registry.enrol_factor", actor=account, subject=account_subject(account)):
        stored = SecondFactor.objects.select_for_update().filter(account=account).first()
        if stored is not None and stored.confirmed_at is not None:
            raise RegistryError("动态口令已经设好。请打开“动态口令”页查看。")
        step = _step(prepared(account, nonce), code)
        if step is None:
            raise RegistryError("动态码不对。请看手机时间是否准确，填当前显示的 6 位数字。")
        begun = {"nonce": nonce, "last_step": step, "confirmed_at": moment.now()}
        SecondFactor.objects.update_or_create(account=account, defaults=begun)
        return _new_codes(account)


def verify(account: Account, code: str) -> str:
    """Take a code or a recovery code: "totp", "recovery", or "" when it is wrong or was taken before."""
    typed = "".join(code.split()).replace("-", "").lower()
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().filter(account=account, confirmed_at__isnull=False).first()
        if factor is None:
            return ""
        if typed.isdecimal():
            return "totp" if _take(factor, typed) else ""
        unused = RecoveryCode.objects.filter(account=account, digest=_digest(account, typed), used_at__isnull=True)
        return "recovery" if unused.update(used_at=moment.now()) else ""


def renew_codes(account: Account) -> tuple[str, ...]:
    """New recovery codes in place of all earlier ones; shown once."""
    with act("registry.enrol_factor", actor=account, subject=account_subject(account)) as this:
        this.payload["recovery_codes"] = "renewed"
        return _new_codes(account)


def reset(account: Account, *, actor: Account, why: str) -> None:
    """Take the second factor away, so that the account sets it up anew. Raises RegistryError without a reason; Denied."""
    with act("registry.reset_factor", actor=actor, subject=account_subject(account)) as this:
        if not why.strip():
            raise RegistryError("重置动态口令须写明理由（如本人当面申请、手机遗失）。")
        if account.pk == actor.pk:
            raise RegistryError("不能重置本人的动态口令。请由另一位安全管理员办理，或用恢复码登录。")
        SecondFactor.objects.filter(account=account).delete()
        RecoveryCode.objects.filter(account=account).delete()
        this.payload["why"] = why.strip()
        sessions.end_others(account, None, actor=actor)


def _take(factor: SecondFactor, code: str) -> bool:
    """Whether the code is right; it is then taken."""
    step = _step(factor, code)
    if step is not None:
        factor.last_step = step
        factor.save(update_fields=["last_step"])
    return step is not None


def _step(factor: SecondFactor, code: str) -> int | None:
    """The step near now, and later than the last one taken, whose code this is; None for a wrong code."""
    import pyotp

    totp, typed = pyotp.TOTP(key_text(factor)), "".join(code.split())
    current = int(moment.now().timestamp()) // STEP_SECONDS
    for step in range(current - DRIFT, current + DRIFT + 1):
        right = hmac.compare_digest(str(totp.at(step * STEP_SECONDS)).encode(), typed.encode())
        if right and step > factor.last_step:
            return step
    return None


def _new_codes(account: Account) -> tuple[str, ...]:
    RecoveryCode.objects.filter(account=account).delete()
    codes = tuple(
        "-".join("".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(4)) for _ in range(4))
        for _ in range(RECOVERY_CODES)
    )
    RecoveryCode.objects.bulk_create(
        RecoveryCode(account=account, digest=_digest(account, code.replace("-", ""))) for code in codes
    )
    return codes


def _digest(account: Account, code: str) -> str:
    # Eighty random bits: a keyed hash is enough, nothing can be guessed.
    return salted_hmac(f"rongtong.recovery.{account.pk}", code, algorithm="sha256").hexdigest()
