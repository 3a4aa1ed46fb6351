"""Observations (观测值): what was reported, about what, known from when. Rows are added, never changed or removed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

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
    for days already past. `reason` is what the reporter gave for a soft finding.
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
