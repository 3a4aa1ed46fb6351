"""Logging in over HTTP: locks, one-time codes, the steps owed first, and a leaf for every outcome."""

from __future__ import annotations

from datetime import datetime, timedelta

import pyotp
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from rongtong.apps.records.models import Leaf, Payload
from rongtong.apps.records.queries import head, verify
from rongtong.apps.registry import entry, factor, moment, queries, throttle
from rongtong.apps.registry.access import Denied
from rongtong.apps.registry.actions import NewAccount, RegistryError, create_account, grant, set_password
from rongtong.apps.registry.models import Account, Failure, RecoveryCode, SecondFactor

PASSWORD = "correct horse battery"


class Time:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.value = timezone.now()

    def now(self) -> datetime:
        return self.value

    def pass_(self, **lengths: int) -> None:
        self.value += timedelta(**lengths)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    moving = Time()
    monkeypatch.setattr(moment, "now", moving.now)
    return moving


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="localhost")


@pytest.fixture
def zhang(system: Account, pack: None) -> Account:
    return with_password(create_account("zhang", "张三", actor=system))


def with_password(new: NewAccount) -> Account:
    set_password(new.account, PASSWORD, actor=new.account)
    return new.account


def attempt(client: Client, password: str = PASSWORD, username: str = "zhang", **extra: str) -> HttpResponse:
    response: HttpResponse = client.post("/login", {"username": username, "password": password}, **extra)  # type: ignore[arg-type]
    return response


def logged_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def last_leaf() -> tuple[str, str, str]:
    leaf = Leaf.objects.latest("sequence")
    return leaf.kind, leaf.actor, leaf.subject


def test_a_login_goes_to_the_page_asked_for_and_leaves_a_leaf(client: Client, zhang: Account) -> None:
    response = client.post("/login", {"username": " ZHANG ", "password": PASSWORD, "next": "/account"})
    assert response.headers["Location"] == "/account"
    assert logged_in(client)
    assert last_leaf() == ("registry.login", "zhang", "account:zhang")
    client.post("/logout")
    assert not logged_in(client)
    assert last_leaf() == ("registry.logout", "zhang", "account:zhang")
    assert verify(str(head())) == []


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_a_login_never_leads_to_another_site(client: Client, zhang: Account, target: str) -> None:
    response = client.post("/login", {"username": "zhang", "password": PASSWORD, "next": target})
    assert response.headers["Location"] == "/work"


def test_after_five_failures_the_right_password_is_refused_for_fifteen_minutes(
    client: Client, zhang: Account, time: Time
) -> None:
    for _ in range(5):
        assert attempt(client, "wrong").status_code == 403
    assert Leaf.objects.filter(kind="registry.login_failed", subject="account:zhang").count() == 5
    assert last_leaf() == ("registry.locked", "system", "account:zhang")
    time.pass_(minutes=14)
    assert "锁定到" in attempt(client).content.decode()
    assert not logged_in(client)
    time.pass_(minutes=2)
    attempt(client)
    assert logged_in(client)
    assert verify(str(head())) == []


def test_guesses_made_all_at_once_do_not_slip_past_the_lock(
    client: Client, zhang: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object, **__: object) -> Account:
        for _ in range(5):
            throttle.fail(throttle.account_key("zhang"))
        return zhang

    monkeypatch.setattr(entry, "authenticate", slow)
    assert attempt(client).status_code == 403
    assert not logged_in(client)


def test_failures_further_apart_than_fifteen_minutes_lock_nothing(client: Client, zhang: Account, time: Time) -> None:
    for _ in range(6):
        attempt(client, "wrong")
        time.pass_(minutes=4)
    attempt(client)
    assert logged_in(client)


def test_a_login_that_goes_well_starts_the_count_again(client: Client, zhang: Account) -> None:
    for _ in range(2):
        for _ in range(4):
            attempt(client, "wrong")
        attempt(client)
        assert logged_in(client)
        client.post("/logout")


def test_a_username_nobody_has_gets_the_same_answers_and_the_same_work(
    client: Client, zhang: Account, time: Time, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock stands still: the answers name the minute until which a name is locked."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    set_password(zhang, PASSWORD, actor=zhang)
    hashed: list[str] = []
    encode = PBKDF2PasswordHasher.encode

    def counting(self: PBKDF2PasswordHasher, password: str, salt: str, iterations: int | None = None) -> str:
        hashed.append(password)
        return encode(self, password, salt, 10)

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", counting)
    answers: dict[str, list[tuple[int, str]]] = {"zhang": [], "nobody": []}
    for username, got in answers.items():
        for _ in range(6):
            response = attempt(client, "wrong", username)
            got.append((response.status_code, errors(response).replace(username, "")))
    assert answers["zhang"] == answers["nobody"]
    assert len(hashed) == 10


def errors(response: HttpResponse) -> str:
    page = response.content.decode()
    return page[page.index('id="errors"') : page.index("</ul>", page.index('id="errors"'))]


def test_what_was_typed_is_written_down_nowhere(client: Client, zhang: Account) -> None:
    attempt(client, "my-secret-word", "password-in-the-wrong-field")
    everything = "".join(Leaf.objects.values_list("body", flat=True)) + "".join(
        Payload.objects.values_list("text", flat=True)
    )
    everything += "".join(Failure.objects.values_list("key", flat=True))
    assert "password-in-the-wrong-field" not in everything
    assert "my-secret-word" not in everything
    assert last_leaf() == ("registry.login_failed", "system", "")


def test_an_address_that_fails_too_often_is_turned_away_whatever_the_username(
    client: Client, zhang: Account, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "ADDRESS_FAILURES", 7)
    for number in range(7):
        attempt(client, "wrong", f"guess{number}")
    before = head()
    assert "这个网络地址" in attempt(client).content.decode()
    assert head() == before  # a flood does not fill the log
    attempt(Client(HTTP_HOST="localhost"), REMOTE_ADDR="10.0.0.9")
    assert last_leaf()[0] == "registry.login"


def test_a_security_administrator_unlocks_and_nobody_else(client: Client, zhang: Account, system: Account) -> None:
    security = with_password(create_account("anquan", "安全", actor=system))
    for _ in range(5):
        attempt(client, "wrong")
    with pytest.raises(Denied):
        entry.unlock(zhang, actor=security)
    grant(security, "security_admin", actor=system)
    entry.unlock(zhang, actor=security)
    with pytest.raises(RegistryError, match="没有被锁定"):
        entry.unlock(zhang, actor=security)
    attempt(client)
    assert logged_in(client)


def test_a_stopped_account_gets_the_answer_of_a_wrong_password(client: Client, zhang: Account) -> None:
    Account.objects.filter(pk=zhang.pk).update(is_active=False)
    assert "用户名或口令不对" in attempt(client).content.decode()


def test_an_initial_password_must_be_changed_before_anything_else(client: Client, system: Account, pack: None) -> None:
    new = create_account("zhang", "张三", actor=system)
    attempt(client, new.password)
    assert client.get("/account").headers["Location"] == "/account/password"
    assert client.get("/api/openapi.json").status_code == 403
    refused = client.post(
        "/account/password", {"old_password": "no", "new_password": "short", "new_password2": "other"}
    )
    assert refused.status_code == 422
    assert "现在的口令不对" in refused.content.decode()
    client.post(
        "/account/password", {"old_password": new.password, "new_password": PASSWORD, "new_password2": PASSWORD}
    )
    assert client.get("/account").status_code == 200
    assert client.get("/privacy").status_code == 200


def test_changing_the_password_ends_the_other_logins_and_not_this_one(client: Client, zhang: Account) -> None:
    other = Client(HTTP_HOST="localhost")
    attempt(client)
    attempt(other)
    new = "another long passphrase"
    client.post("/account/password", {"old_password": PASSWORD, "new_password": new, "new_password2": new})
    assert client.get("/account").status_code == 200
    assert other.get("/account").status_code == 302


def code_at(account: Account, when: datetime) -> str:
    key = factor.key_text(SecondFactor.objects.get(account=account))
    return str(pyotp.TOTP(key).at(int(when.timestamp())))


def enrol(account: Account, time: Time) -> tuple[str, ...]:
    nonce = factor.new_nonce()
    code = pyotp.TOTP(factor.key_text(factor.prepared(account, nonce))).at(int(time.now().timestamp()))
    codes = factor.confirm(account, nonce, str(code))
    time.pass_(minutes=5)
    return codes


def test_whoever_signs_sets_codes_up_at_the_first_login_where_the_instance_asks(
    client: Client, zhang: Account, system: Account, settings: Settings, time: Time
) -> None:
    settings.SECOND_FACTOR = "required"
    grant(zhang, "approver", "990100", actor=system)
    attempt(client)
    assert client.get("/account").headers["Location"] == "/account/factor"
    page = client.get("/account/factor").content.decode()
    begun = factor.prepared(zhang, client.session["factor_nonce"])
    key = factor.key_text(begun)
    assert key[:4] in page
    assert "<svg" in page
    assert "style=" not in page
    assert client.post("/account/factor", {"code": "000000"}).status_code == 422
    assert not SecondFactor.objects.exists()
    code = str(pyotp.TOTP(key).at(int(time.now().timestamp())))
    done = client.post("/account/factor", {"code": code}).content.decode()
    assert done.count("<li><code>") == 10
    assert client.get("/account").status_code == 200
    assert Leaf.objects.filter(kind="registry.enrol_factor", actor="zhang").count() == 1


def test_codes_are_asked_of_who_comes_to_sign_while_logged_in(
    client: Client, zhang: Account, system: Account, settings: Settings
) -> None:
    settings.SECOND_FACTOR = "required"
    attempt(client)
    assert client.get("/account").status_code == 200
    grant(zhang, "approver", "990100", actor=system)
    assert client.get("/account").headers["Location"] == "/account/factor"
    assert client.post("/account/sessions").headers["Location"] == "/account/factor"


def test_a_word_for_the_page_to_go_on_to_is_no_name_of_a_page(client: Client, zhang: Account) -> None:
    answer = client.post("/login", {"username": "zhang", "password": PASSWORD, "next": "²"})
    assert answer.status_code == 302
    assert client.get("/login?next=²").status_code == 302


def test_looking_at_the_page_of_codes_stores_none(client: Client, zhang: Account) -> None:
    attempt(client)
    assert client.get("/account/factor").status_code == 200
    assert not SecondFactor.objects.exists()


@pytest.mark.parametrize(("role", "asked"), [("approver", True), ("audit_admin", True), ("city_officer", False)])
def test_codes_are_asked_of_who_signs_or_administers(
    zhang: Account, system: Account, settings: Settings, role: str, asked: bool
) -> None:
    grant(zhang, role, actor=system)
    settings.SECOND_FACTOR = "required"
    assert factor.required(zhang) is asked
    settings.SECOND_FACTOR = "optional"
    assert not factor.required(zhang)


def test_the_password_alone_logs_nobody_in_where_codes_are_set_up(client: Client, zhang: Account, time: Time) -> None:
    enrol(zhang, time)
    assert attempt(client).headers["Location"] == "/login/code"
    assert not logged_in(client)
    assert client.get("/account").status_code == 302
    client.post("/login/code", {"code": code_at(zhang, time.now())})
    assert logged_in(client)


def test_a_code_is_taken_once_and_never_again(zhang: Account, time: Time) -> None:
    enrol(zhang, time)
    code = code_at(zhang, time.now())
    assert factor.verify(zhang, code) == "totp"
    assert factor.verify(zhang, code) == ""


@pytest.mark.parametrize(("seconds", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_wrong_by_one_step(zhang: Account, time: Time, seconds: int, taken: bool) -> None:
    enrol(zhang, time)
    assert bool(factor.verify(zhang, code_at(zhang, time.now() + timedelta(seconds=seconds)))) is taken


def test_an_older_code_is_refused_once_a_later_one_was_taken(zhang: Account, time: Time) -> None:
    enrol(zhang, time)
    older = code_at(zhang, time.now() - timedelta(seconds=30))
    assert factor.verify(zhang, code_at(zhang, time.now()))
    assert not factor.verify(zhang, older)


def test_a_recovery_code_logs_in_once(client: Client, zhang: Account, time: Time) -> None:
    code = enrol(zhang, time)[0]
    attempt(client)
    client.post("/login/code", {"code": code.upper()})
    assert logged_in(client)
    client.post("/logout")
    attempt(client)
    assert client.post("/login/code", {"code": code}).status_code == 403
    assert not logged_in(client)


def test_wrong_codes_lock_like_wrong_passwords(client: Client, zhang: Account, time: Time) -> None:
    enrol(zhang, time)
    attempt(client)
    for _ in range(5):
        client.post("/login/code", {"code": "000000"})
    page = client.post("/login/code", {"code": code_at(zhang, time.now())}).content.decode()
    assert "锁定到" in page
    assert not logged_in(client)


def test_the_wait_for_a_code_ends_after_five_minutes(client: Client, zhang: Account, time: Time) -> None:
    enrol(zhang, time)
    attempt(client)
    time.pass_(minutes=6)
    assert client.get("/login/code").headers["Location"] == "/login"


def test_the_store_holds_neither_key_nor_recovery_code(zhang: Account, time: Time) -> None:
    codes = enrol(zhang, time)
    row = SecondFactor.objects.get(account=zhang)
    assert factor.key_text(row) not in row.nonce
    digests = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert len(digests) == 10
    assert not digests & {code.replace("-", "") for code in codes}


def test_another_secret_of_the_instance_gives_another_key(zhang: Account, settings: Settings) -> None:
    row = factor.prepared(zhang, factor.new_nonce())
    before = factor.key_text(row)
    settings.SECRET_KEY = "x" * 50
    assert factor.key_text(row) != before


def test_a_security_administrator_resets_the_codes_of_others_with_a_reason(
    client: Client, zhang: Account, system: Account, time: Time
) -> None:
    enrol(zhang, time)
    attempt(client)
    client.post("/login/code", {"code": code_at(zhang, time.now())})
    security = with_password(create_account("anquan", "安全", actor=system))
    grant(security, "security_admin", actor=system)
    with pytest.raises(Denied):
        factor.reset(security, actor=zhang, why="x")
    with pytest.raises(RegistryError, match="理由"):
        factor.reset(zhang, actor=security, why=" ")
    factor.reset(zhang, actor=security, why="手机遗失，当面核实")
    assert not factor.enrolled(zhang)
    assert client.get("/account").status_code == 302  # the logins made with the lost codes have ended


def test_the_doctor_knows_who_signs_without_codes(zhang: Account, system: Account, time: Time) -> None:
    grant(zhang, "approver", "990100", actor=system)
    assert queries.signers_without_factor() == ("zhang",)
    enrol(zhang, time)
    assert queries.signers_without_factor() == ()
