"""Snapshots of loaded packs: what was in force when."""

from django.db import models


class Snapshot(models.Model):
    """The packs of this instance as they stood when loaded. Never changed; a new load is a new row.

    `layers` is a JSON list of {code, version, fingerprint, files}; `files` is `engine.pack.read.canonical` text.
    """

    fingerprint = models.CharField(max_length=64)
    in_force_from = models.DateField()
    loaded_at = models.DateTimeField()
    layers = models.TextField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["in_force_from", "id"])]

    def __str__(self) -> str:
        return f"{self.fingerprint[:12]} ({self.in_force_from})"
