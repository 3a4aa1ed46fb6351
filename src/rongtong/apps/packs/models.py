"""Snapshots of loaded packs: what was in force when."""

from django.conf import settings
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


class DocumentText(models.Model):
    """The official text (正式文本) of a document, attached by an office. A new file is a new row; the newest is shown."""

    document = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    file_name = models.CharField(max_length=255)
    text = models.TextField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["document", "id"])]

    def __str__(self) -> str:
        return f"{self.document} {self.sha256[:12]}"


class Amendment(models.Model):
    """An office's amendment (规则修订) of what its packs say. Its stage is that of its case; here is what it says.

    `statements` is a JSON list of {kind, code, before, after}: the statement as it stood when drafting began (null for a
    new one) and as amended. `number` counts its wordings, so that a stale save is seen. `base` is the fingerprint of the
    packs it was last checked against.
    """

    title = models.CharField(max_length=200)
    note = models.TextField(blank=True, default="")
    in_force_from = models.DateField()
    base = models.CharField(max_length=64)
    statements = models.TextField(default="[]")
    number = models.PositiveIntegerField(default=1)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.pk} {self.title}"


class Publication(models.Model):
    """An amendment as published: never changed. The office's layer is made of these, in order."""

    amendment = models.OneToOneField(Amendment, on_delete=models.PROTECT, related_name="publication")
    fingerprint = models.CharField(max_length=64)
    in_force_from = models.DateField()
    statements = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["in_force_from", "id"]

    def __str__(self) -> str:
        return f"{self.amendment_id} ({self.in_force_from})"
