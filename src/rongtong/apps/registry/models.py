"""Accounts, what they may do where, organisations and people."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q

from rongtong.apps.registry.roles import ROLES, TRIO, role_name


class Organisation(models.Model):
    """An organisation (单位), known by its 统一社会信用代码 (GB 32100-2015); the code is written normalised."""

    class Kind(models.TextChoices):
        """What sort of organisation it is."""

        GOVERNMENT = "government", "机关"
        ENTERPRISE = "enterprise", "企业"
        UNIVERSITY = "university", "高校"
        INSTITUTE = "institute", "科研院所"
        HOSPITAL = "hospital", "医院"
        NONPROFIT = "nonprofit", "社会组织"
        OTHER = "other", "其他"

    uscc = models.CharField(max_length=18, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    place = models.CharField(max_length=32)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_from__lte=F("valid_to")),
                name="organisation_validity_in_order",
            )
        ]

    def __str__(self) -> str:
        return self.name


class AccountManager(BaseUserManager["Account"]):
    """Finds accounts; `actions.create_account` makes them."""


class Account(AbstractBaseUser):
    """An account of one person, or `system`. What it may do is said by its grants and by nothing else.

    `password_is_initial`: the password was handed out and must be changed at the first login.
    """

    username = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True)
    position = models.CharField(max_length=100, blank=True, default="")
    is_active = models.BooleanField(default=True)
    demo = models.BooleanField(default=False)
    password_is_initial = models.BooleanField(default=False)

    objects: ClassVar[AccountManager] = AccountManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["name"]

    def __str__(self) -> str:
        return self.username


class Grant(models.Model):
    """A role on a place and all below it; the empty place is the whole instance. Revoking deletes the row.

    `trio_account` repeats the account for the three administrators (三员). It is unique, so the database itself refuses
    a second one of them to anybody. `delegated_by` is the officer whose deputy (代理) the account is; such a grant has
    both dates.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="grants")
    role = models.CharField(max_length=32)
    place = models.CharField(max_length=32, blank=True, default="")
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    trio_account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    delegated_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="delegated_grants"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "role", "place"], name="grant_once"),
            models.UniqueConstraint(fields=["trio_account"], name="grant_one_of_three_administrators"),
            models.CheckConstraint(condition=Q(role__in=sorted(ROLES)), name="grant_role_is_known"),
            models.CheckConstraint(
                condition=Q(role__in=TRIO, trio_account__isnull=False, trio_account=F("account"), place="")
                | (~Q(role__in=TRIO) & Q(trio_account__isnull=True)),
                name="grant_trio_account_of_administrators",
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_from__lte=F("valid_to")),
                name="grant_validity_in_order",
            ),
            models.CheckConstraint(
                condition=Q(delegated_by__isnull=True)
                | (
                    Q(valid_from__isnull=False, valid_to__isnull=False, trio_account__isnull=True)
                    & ~Q(delegated_by=F("account"))
                ),
                name="grant_delegated_has_dates",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.role} {self.place}"

    @property
    def role_name(self) -> str:
        """The role in Chinese."""
        return role_name(self.role)


class Person(models.Model):
    """A person, known by name and employer, by the login subject and by ORCID where given. No identity-card numbers."""

    name = models.CharField(max_length=100)
    employer = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True)
    sso_subject = models.CharField(max_length=200, blank=True, default="")
    orcid = models.CharField(max_length=19, blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sso_subject"], condition=~Q(sso_subject=""), name="person_sso_subject"),
            models.UniqueConstraint(fields=["orcid"], condition=~Q(orcid=""), name="person_orcid"),
        ]

    def __str__(self) -> str:
        return self.name


class GrantRequest(models.Model):
    """A role asked for by who created an account (待授权). A security administrator grants or refuses it; then it is gone."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="grant_requests")
    role = models.CharField(max_length=32)
    place = models.CharField(max_length=32, blank=True, default="")
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    asked_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["account", "role", "place"], name="grantrequest_once"),
            models.CheckConstraint(condition=Q(role__in=sorted(ROLES)), name="grantrequest_role_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.role} {self.place}"

    @property
    def role_name(self) -> str:
        """The role in Chinese."""
        return role_name(self.role)


class Failure(models.Model):
    """A failed login, counted for a while. `key` is a keyed hash: neither what was typed nor an address is in clear."""

    key = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["key", "at"], name="failure_key"),
            models.Index(fields=["at"], name="failure_at"),
        ]

    def __str__(self) -> str:
        return f"{self.key[:8]} {self.at}"


class SecondFactor(models.Model):
    """The one-time codes (TOTP, RFC 6238) of an account.

    `nonce` is what the key is derived from together with the instance's secret: the store alone yields no key.
    `confirmed_at` is empty until a first code was right. `last_step` is the time step of the last code taken, so that no
    code is taken twice.
    """

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="second_factor")
    nonce = models.CharField(max_length=64)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.account_id}"


class RecoveryCode(models.Model):
    """A code for the day the telephone is lost: kept as a keyed hash, taken once."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "digest"], name="recoverycode_once")]

    def __str__(self) -> str:
        return f"{self.account_id}"


class Visit(models.Model):
    """A login that lasts: when it began, when it was last seen, from where. The row goes when the session ends."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="visits")
    session_key = models.CharField(max_length=40, unique=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    address = models.CharField(max_length=45, blank=True, default="")
    agent = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return f"{self.account_id} {self.started_at}"


class Kept(models.Model):
    """What somebody was sending when the login had expired; shown again after the next login, for a day.

    `fields` is a JSON list of [name, value]. `browser` is the keyed hash of a token that lies in the session: only the
    browser that sent it sees it again. `account` is empty where the session itself was gone; the first to log in from
    that browser gets it.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, blank=True, related_name="kept")
    browser = models.CharField(max_length=64)
    path = models.CharField(max_length=500)
    fields = models.TextField()
    files = models.TextField(blank=True, default="")
    at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.path} {self.at}"
