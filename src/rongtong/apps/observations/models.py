"""Observations (观测值): what was reported, about what, known from when. Rows are added, never changed or removed.

Beside them lies what collection (数据填报) remembers: the cells of a slice, reminders, files between preview and
confirmation, and the layouts of foreign workbooks that an office taught.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from rongtong.apps.cases.models import Case

STATUSES = {
    "actual": "年报",
    "flash": "快报",
    "estimate": "测算",
    "preliminary": "初步",
    "revised": "修订",
    "forecast": "预测",
    "synthetic": "演示",
}


class Batch(models.Model):
    """One file that was imported. `findings` is a JSON list of the soft findings (核实性) with their reasons."""

    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    source = models.CharField(max_length=64)
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    rows_new = models.PositiveIntegerField()
    rows_same = models.PositiveIntegerField()
    summary = models.TextField(blank=True, default="")
    findings = models.TextField(default="[]")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.file_name} {self.sha256[:12]}"


class Observation(models.Model):
    """One value of one indicator. `value` is the integer at the scale of the unit's dimension (money in 分).

    `known_from` is the day it was published or approved, `recorded_at` the moment it came in, never back-dated. A
    correction is a further row with a later `known_from`. `edition` is the date of the place list the figure was made
    with, empty for the list in force at the end of the period. `late` marks a row that changed what had been answered
    for days already past. `reason` is what the reporter gave for a soft finding. `revision` counts the further values of
    one day and status, where a slice was reopened and approved again on the day of its approval.
    """

    indicator = models.CharField(max_length=64)
    place = models.CharField(max_length=64)
    edition = models.CharField(max_length=10, blank=True, default="")
    chain = models.CharField(max_length=64, blank=True, default="")
    subject = models.CharField(max_length=64, blank=True, default="")
    funds = models.CharField(max_length=64, blank=True, default="")
    use = models.CharField(max_length=64, blank=True, default="")
    period = models.CharField(max_length=16)
    start = models.PositiveIntegerField()
    months = models.PositiveSmallIntegerField()
    value = models.BigIntegerField()
    unit = models.CharField(max_length=16)
    status = models.CharField(max_length=16, choices=list(STATUSES.items()))
    known_from = models.DateField()
    recorded_at = models.DateTimeField()
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="observations")
    evidence = models.TextField(blank=True, default="")
    source = models.TextField(blank=True, default="")
    note = models.TextField(blank=True, default="")
    late = models.BooleanField(default=False)
    reason = models.TextField(blank=True, default="")
    revision = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "indicator",
                    "place",
                    "chain",
                    "subject",
                    "funds",
                    "use",
                    "period",
                    "known_from",
                    "status",
                    "revision",
                ],
                name="observation_once",
            ),
            models.CheckConstraint(condition=Q(status__in=sorted(STATUSES)), name="observation_status_is_known"),
            models.CheckConstraint(condition=Q(months__gte=1), name="observation_months_from_one"),
        ]
        indexes = [
            models.Index(fields=["indicator", "period", "place", "known_from"], name="observation_lookup"),
        ]

    def __str__(self) -> str:
        return f"{self.indicator} {self.place} {self.period} {self.known_from}"


ORIGINS = {"held": "预填", "import": "导入", "typed": "手填"}


class Entry(models.Model):
    """One version of a cell of a slice (填报单元格的一版): versions are only added, the last one counts.

    `value` is the exact number as it was written, in `unit`; empty where the cell was cleared. `reason` explains the
    soft findings (核实性) of the cell.
    """

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+")
    indicator = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    value = models.CharField(max_length=64, blank=True, default="")
    unit = models.CharField(max_length=16)
    origin = models.CharField(max_length=8, choices=list(ORIGINS.items()))
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["case_id", "indicator", "version"]
        constraints = [
            models.UniqueConstraint(fields=["case", "indicator", "version"], name="entry_version_once"),
            models.CheckConstraint(condition=Q(version__gte=1), name="entry_version_from_one"),
            models.CheckConstraint(condition=Q(origin__in=sorted(ORIGINS)), name="entry_origin_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.indicator} {self.version}"


class Reminder(models.Model):
    """An office was asked to file (催报); the slice need not have been opened."""

    collection = models.CharField(max_length=64)
    period = models.CharField(max_length=16)
    place = models.CharField(max_length=64)
    note = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["place", "collection", "period"], name="reminder_lookup")]

    def __str__(self) -> str:
        return f"{self.collection} {self.period} {self.place}"


class Upload(models.Model):
    """A file between its preview and its confirmation; it is only its uploader's, and removed after a day."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    content = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["account", "at"], name="upload_account")]

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:12]}"


class OfficeSource(models.Model):
    """A layout an office taught (自建版式): `spec` is a pack's `Source` as JSON; the last version of a code counts."""

    code = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    spec = models.TextField()
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["code", "version"]
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="office_source_version_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.version}"
