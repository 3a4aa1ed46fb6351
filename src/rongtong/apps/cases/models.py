"""Cases (办件): processes at work. A case's events are only ever added; its other columns repeat what they fold to."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from rongtong.apps.records.models import Leaf
from rongtong.apps.registry.models import Organisation


class Definition(models.Model):
    """A version of a process as it was when the first case ran on it; cases stay on it whatever the packs say later."""

    process = models.CharField(max_length=64)
    version = models.CharField(max_length=32)
    sha256 = models.CharField(max_length=64)
    body = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["process", "version", "sha256"], name="definition_once")]

    def __str__(self) -> str:
        return f"{self.process} {self.version}"


class Case(models.Model):
    """One thing under way. `events` is the number of its last event: who names another has not seen the latest.

    `deadline` is the case's own, `due` that of the present stage, `outcome` empty while it is open. `key` names what the
    case is about, once per process. `organisation` is the one whose case it is, where it is one's. `parent` is the case it
    was opened under. `closed_on` is the day it ended; `late` whether one of its clocks had run out by its last event, or
    by the last time the clocks were read.
    """

    # Without an index of its own: a handful of definitions have all the cases, and planners would take it.
    definition = models.ForeignKey(Definition, on_delete=models.PROTECT, related_name="cases", db_index=False)
    process = models.CharField(max_length=64)
    version = models.CharField(max_length=32)
    key = models.CharField(max_length=200)
    title = models.CharField(max_length=300)
    place = models.CharField(max_length=32)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="below")
    period = models.CharField(max_length=16, blank=True, default="")
    chain = models.CharField(max_length=64, blank=True, default="")
    stage = models.CharField(max_length=64)
    events = models.PositiveIntegerField(default=1)
    opened_at = models.DateTimeField()
    entered_at = models.DateTimeField()
    deadline = models.DateField(null=True, blank=True)
    due = models.DateField(null=True, blank=True)
    outcome = models.CharField(max_length=64, blank=True, default="")
    closed_on = models.DateField(null=True, blank=True)
    late = models.BooleanField(default=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["process", "key"], name="case_key_once")]
        indexes = [
            models.Index(fields=["process", "stage", "place"], name="case_stage"),
            # Finds what an account sees; the rest of its columns is what the wall counts, read from the index alone.
            models.Index(
                fields=["definition", "stage", "place", "late", "closed_on", "due", "opened_at"], name="case_sight"
            ),
            models.Index(fields=["outcome", "due"], name="case_due"),
            models.Index(fields=["closed_on"], name="case_closed"),
            models.Index(fields=["by", "opened_at"], name="case_begun"),
            models.Index(fields=["process", "id"], name="case_process"),
        ]

    def __str__(self) -> str:
        return f"{self.process} {self.key}"


class Event(models.Model):
    """One step of a case. What it was filled with lies in the payload of its leaf, and nowhere else."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveIntegerField()
    transition = models.CharField(max_length=64)
    from_stage = models.CharField(max_length=64, blank=True, default="")
    to_stage = models.CharField(max_length=64)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    leaf = models.OneToOneField(Leaf, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["case_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="event_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="event_number_from_one"),
        ]
        indexes = [
            models.Index(fields=["actor", "at"], name="event_actor"),
            models.Index(fields=["to_stage", "id"], name="event_stage"),
        ]

    # What the step was filled with, while it is being made and has no leaf yet.
    given: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.case_id}/{self.number} {self.transition}"

    @property
    def data(self) -> dict[str, Any]:
        """What the form was filled with; empty where it was erased."""
        if self.leaf_id is None:
            return dict(self.given or {})
        assert self.leaf is not None  # just asked
        text = self.leaf.payload.text
        found: dict[str, Any] = json.loads(text)["data"] if text else {}
        return found


class Participant(models.Model):
    """A place, an organisation or an account that takes part in a case in one of its roles."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="participants")
    role = models.CharField(max_length=64)
    place = models.CharField(max_length=32, blank=True, default="")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            # A unique constraint lets rows pass that hold a NULL, so each sort of participant has its own.
            models.UniqueConstraint(
                fields=["case", "role", "place"], condition=~Q(place=""), name="participant_place_once"
            ),
            models.UniqueConstraint(fields=["case", "role", "account"], name="participant_account_once"),
            models.UniqueConstraint(fields=["case", "role", "organisation"], name="participant_organisation_once"),
            models.CheckConstraint(
                condition=~Q(place="") | Q(account__isnull=False) | Q(organisation__isnull=False),
                name="participant_is_somebody",
            ),
        ]
        indexes = [models.Index(fields=["place", "role"], name="participant_place")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.role}"


class Attachment(models.Model):
    """Evidence (佐证材料) that came with step `event` of a case. The bytes lie in the instance's folder by their SHA-256.

    Where a person in it was erased, it is the file without; one that cannot be mended is gone, and `removed_why` says so.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="attachments")
    event = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    removed_why = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["case", "event"], name="attachment_step")]

    def __str__(self) -> str:
        return f"{self.case_id}/{self.event} {self.name}"


class Label(models.Model):
    """The value of a field that lists are filtered and counted by (`labels` of the process), repeated from the case's data."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(max_length=64)
    value = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "name", "value"], name="label_once")]
        indexes = [models.Index(fields=["name", "value", "case"], name="label_lookup")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.name}={self.value}"


class Measured(models.Model):
    """What one step of a case added to an indicator, or took back from it. Rows are only ever added.

    `value` is an integer at the scale of the card's dimension; `month` is yyyymm of `on`, the day of the step.
    """

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="measured")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="measured")
    indicator = models.CharField(max_length=64)
    place = models.CharField(max_length=32)
    chain = models.CharField(max_length=64, blank=True, default="")
    month = models.PositiveIntegerField()
    on = models.DateField()
    value = models.BigIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["event", "indicator", "month"], name="measured_once_by_a_step_for_a_month")
        ]
        indexes = [models.Index(fields=["indicator", "month", "place", "on"], name="measured_lookup")]

    def __str__(self) -> str:
        return f"{self.indicator} {self.place} {self.month} {self.value:+d}"


class Obligation(models.Model):
    """A due (到期义务) born of a step: who owes what by which day. `amount` is in 分; open while `met_by` is empty and it is
    not waived."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="obligations")
    number = models.PositiveIntegerField()
    code = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    role = models.CharField(max_length=64)
    due = models.DateField()
    amount = models.BigIntegerField(null=True, blank=True)
    born = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="+")
    met = models.ForeignKey(Event, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    waived = models.ForeignKey(Event, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["due", "id"]
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="obligation_number_once"),
            models.CheckConstraint(condition=Q(met__isnull=True) | Q(waived__isnull=True), name="obligation_ends_once"),
            models.CheckConstraint(condition=Q(amount__isnull=True) | Q(amount__gte=0), name="obligation_not_negative"),
        ]
        indexes = [models.Index(fields=["due"], name="obligation_due", condition=Q(met=None, waived=None))]

    def __str__(self) -> str:
        return f"{self.case_id} {self.code} {self.due}"

    @property
    def open(self) -> bool:
        """Whether it is still owed."""
        return self.met_id is None and self.waived_id is None


class Certificate(models.Model):
    """A certificate (证明) issued by a step; what it states is the payload of its own leaf.

    `secret` is what, with its number, lets anybody see that. `ended` is the step that revoked it, or, where it is
    `replaced`, that issued the next one.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="certificates")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=64)
    number = models.CharField(max_length=64, unique=True)
    secret = models.CharField(max_length=16)
    leaf = models.OneToOneField(Leaf, on_delete=models.PROTECT, related_name="+")
    ended = models.ForeignKey(Event, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    replaced = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["event", "code"], name="certificate_once_by_a_step")]

    def __str__(self) -> str:
        return self.number


class Link(models.Model):
    """One case points to another: merged into it (合并), an instance of a common problem (举一反三) …"""

    kind = models.CharField(max_length=64)
    source = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="links")
    target = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="linked")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "source", "target"], name="link_once"),
            models.CheckConstraint(condition=~Q(source=models.F("target")), name="link_to_another"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.kind} {self.target_id}"


class Told(models.Model):
    """A reminder (预警、超期提醒) that was sent: to one process role of a case, once for a `key`."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="told")
    key = models.CharField(max_length=200)
    role = models.CharField(max_length=64)
    kind = models.CharField(max_length=8)
    on = models.DateField()
    due = models.DateField()

    class Meta:
        ordering = ["-on", "-id"]
        constraints = [models.UniqueConstraint(fields=["case", "key", "role"], name="told_once")]
        indexes = [models.Index(fields=["on"], name="told_on")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.key}"


class Band(models.Model):
    """What finds cases of like wording (`engine.alike`): those that share a band of their sketch are candidates."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="bands")
    band = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["band", "case"], name="band_once")]

    def __str__(self) -> str:
        return f"{self.case_id} {self.band}"
