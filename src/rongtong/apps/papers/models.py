"""What the papers remember: what officers wrote in them, which papers were made, and what was released."""

from django.conf import settings
from django.db import models


class Note(models.Model):
    """An officer's paragraphs for a section of a paper and period. Never changed: a new text is a new version."""

    paper = models.CharField(max_length=16)
    period = models.CharField(max_length=16)
    section = models.CharField(max_length=64)
    text = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["paper", "period", "section", "id"], name="note_newest")]

    def __str__(self) -> str:
        return f"{self.paper} {self.period} {self.section}"


class Issue(models.Model):
    """A paper that was made: from which packs, as known on which day, every figure shown in it and every line (JSON)."""

    paper = models.CharField(max_length=16)
    period = models.CharField(max_length=16)
    place = models.CharField(max_length=32, blank=True, default="")
    use = models.CharField(max_length=64, blank=True, default="")
    made_at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    as_of = models.DateField()
    pack = models.CharField(max_length=64)
    figures = models.TextField()
    lines = models.TextField(default="[]")
    texts = models.TextField(default="{}")

    class Meta:
        indexes = [models.Index(fields=["paper", "period", "place", "use", "id"], name="issue_newest")]

    def __str__(self) -> str:
        return f"{self.paper} {self.period} {self.sha256[:12]}"

    @property
    def release(self) -> "Release | None":
        """Its release that still stands, None before the first."""
        return max(self.releases.all(), key=lambda r: r.number, default=None)


class Release(models.Model):
    """A paper as released (已发布): its bytes for ever, under a number that counts the releases of the same paper.

    Never changed: what supersedes it is another issue under the next number. `sha256` is that of `content`. Only where a
    person in it was erased is `content` emptied and `removed_why` says so; the issue is then released again without.
    """

    issue = models.ForeignKey(Issue, on_delete=models.PROTECT, related_name="releases")
    number = models.PositiveIntegerField()
    file_name = models.CharField(max_length=200)
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    released_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_why = models.TextField(blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(removed_at__isnull=True) | ~models.Q(removed_why=""),
                name="release_removed_says_why",
            )
        ]

    def __str__(self) -> str:
        return f"{self.file_name} {self.number} {self.sha256[:12]}"
