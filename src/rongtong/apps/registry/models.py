"""Accounts, what they may do where, organisations and people."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q

from rongtong.apps.registry.roles import ROLES, TRIO


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
    a second one of them to anybody.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="grants")
    role = models.CharField(max_length=32)
    place = models.CharField(max_length=32, blank=True, default="")
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    trio_account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

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
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.role} {self.place}"


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
