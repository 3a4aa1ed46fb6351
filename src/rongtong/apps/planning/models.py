"""What planning remembers: allocation runs, lamps month by month, forecasts and their scores."""

from django.conf import settings
from django.db import models


class Allocation(models.Model):
    """One version of a split target (目标分解), whole: specification, weights used and result.

    A draft until `adopted_from`, the day it goes in force; nothing else of it ever changes. `case` is the key of the
    sign-off that adopted it, empty where the command line did. `known_from` is the day it was saved.
    """

    code = models.CharField(max_length=64)
    version = models.IntegerField()
    indicator = models.CharField(max_length=64)
    period = models.CharField(max_length=16)
    place = models.CharField(max_length=32)
    parent_figure = models.CharField(max_length=128, default="", blank=True)
    spec = models.TextField()
    result = models.TextField()
    known_from = models.DateField()
    adopted_from = models.DateField(null=True, blank=True)
    case = models.CharField(max_length=128, default="", blank=True)
    recorded_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    pack = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="allocation_version")]
        indexes = [models.Index(fields=["indicator", "period", "place"])]

    def __str__(self) -> str:
        return f"{self.code} 第{self.version}版"


class AllocationCell(models.Model):
    """One cell of a run: the goal of a place and subject kind, an integer at the dimension's scale."""

    allocation = models.ForeignKey(Allocation, on_delete=models.PROTECT, related_name="cells")
    place = models.CharField(max_length=32)
    subject = models.CharField(max_length=32, default="", blank=True)
    value = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["allocation", "place", "subject"], name="allocation_cell")]

    def __str__(self) -> str:
        return f"{self.place} {self.value}"


class LampRecord(models.Model):
    """The lamp of an indicator at a place for a period, as judged in a month. A later rule never repaints it."""

    indicator = models.CharField(max_length=64)
    place = models.CharField(max_length=32)
    period = models.CharField(max_length=16)
    month = models.CharField(max_length=7)
    lamp = models.CharField(max_length=8)
    rule = models.CharField(max_length=64)
    rule_from = models.DateField()
    basis = models.CharField(max_length=64)
    case = models.TextField()
    numbers = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["indicator", "place", "period", "month"], name="one_lamp_a_month")
        ]

    def __str__(self) -> str:
        return f"{self.month} {self.indicator}@{self.place}@{self.period} {self.lamp}"


class ForecastRecord(models.Model):
    """A forecast as made on a day (a vintage), integers at the dimension's scale; scored when the actual arrives."""

    indicator = models.CharField(max_length=64)
    place = models.CharField(max_length=32)
    period = models.CharField(max_length=16)
    made_from = models.CharField(max_length=16)
    as_of = models.DateField()
    method = models.CharField(max_length=32)
    value = models.BigIntegerField(null=True)
    low = models.BigIntegerField(null=True)
    high = models.BigIntegerField(null=True)
    level = models.CharField(max_length=8)
    probability = models.CharField(max_length=16, default="", blank=True)
    body = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["indicator", "place", "period", "as_of"], name="one_forecast_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.indicator}@{self.place}@{self.period} as of {self.as_of}"
