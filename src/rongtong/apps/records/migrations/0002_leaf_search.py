"""Indexes for what the audit page narrows by: actor, place, day."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0001_initial")]

    operations = [
        migrations.AddIndex(model_name="leaf", index=models.Index(fields=["actor", "sequence"], name="leaf_actor")),
        migrations.AddIndex(model_name="leaf", index=models.Index(fields=["place", "sequence"], name="leaf_place")),
        migrations.AddIndex(model_name="leaf", index=models.Index(fields=["recorded_at"], name="leaf_recorded")),
    ]
