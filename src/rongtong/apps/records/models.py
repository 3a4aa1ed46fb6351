"""The append-only log: one leaf for every write of every app."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Leaf(models.Model):
    """One write. `body` is what is hashed; the other columns repeat it for searching and are checked against it.

    The body names nobody: it commits to `actor`, and to the username in a `subject` that is an account's, with the salts
    beside them (decisions/0016). A salt is empty where the name was erased; then the column holds a pseudonym.
    """

    sequence = models.PositiveBigIntegerField(primary_key=True)
    recorded_at = models.DateTimeField()
    actor = models.CharField(max_length=64)
    actor_salt = models.CharField(max_length=64, blank=True, default="")
    kind = models.CharField(max_length=100)
    place = models.CharField(max_length=32, blank=True, default="")
    subject = models.TextField(blank=True, default="")
    subject_salt = models.CharField(max_length=64, blank=True, default="")
    body = models.TextField()
    leaf_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(sequence__gte=1), name="leaf_sequence_from_one")]
        indexes = [
            models.Index(fields=["kind", "sequence"], name="leaf_kind"),
            models.Index(fields=["subject", "sequence"], name="leaf_subject"),
            models.Index(fields=["actor", "sequence"], name="leaf_actor"),
            models.Index(fields=["place", "sequence"], name="leaf_place"),
            models.Index(fields=["recorded_at"], name="leaf_recorded"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.kind} {self.subject}"


class Payload(models.Model):
    """What a leaf commits to. Erased, `text` and `salt` are empty and `erased_at` is set; the proof stays valid.

    Where only what names a person was erased, `text` is what is left of it and `salt` a new one: the leaf of that
    erasure commits to both, the leaf itself no longer can.
    """

    leaf = models.OneToOneField(Leaf, on_delete=models.PROTECT, primary_key=True, related_name="payload")
    text = models.TextField(blank=True)
    salt = models.CharField(max_length=64, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    erased_why = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True) | ~Q(erased_why=""), name="payload_erased_says_why"
            ),
            models.CheckConstraint(condition=~Q(text="") | Q(salt=""), name="payload_empty_has_no_salt"),
        ]

    def __str__(self) -> str:
        return f"{self.leaf_id}"


class Erasure(models.Model):
    """A person who was erased: the leaf that says so, and whether the bytes have left the files as well.

    `files` is a JSON list of paths in the instance's folder that are still to be removed. `scrubbed_at` is empty until
    the store's own files hold nothing of it any more (`rongtong scrub`).
    """

    leaf = models.OneToOneField(Leaf, on_delete=models.PROTECT, primary_key=True, related_name="+")
    files = models.TextField(default="[]")
    scrubbed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.leaf_id}"


class Log(models.Model):
    """The one row that holds the head of the tree; whoever appends locks it.

    `frontier` is the roots of the full subtrees in hexadecimal, the largest first, separated by spaces.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.PositiveBigIntegerField(default=0)
    root = models.CharField(max_length=64)
    frontier = models.TextField(blank=True, default="")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="log_has_one_row")]

    def __str__(self) -> str:
        return f"{self.size}:{self.root}"
