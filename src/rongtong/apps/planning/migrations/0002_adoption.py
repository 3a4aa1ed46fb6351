"""Versions get the day they are adopted; what was saved before was in force from the day it was saved."""

from django.db import migrations, models
from django.db.models import F


def adopt_what_is_kept(apps, schema_editor):
    apps.get_model("planning", "Allocation").objects.update(adopted_from=F("known_from"))


class Migration(migrations.Migration):

    dependencies = [("planning", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="allocation",
            name="adopted_from",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="allocation",
            name="case",
            field=models.CharField(blank=True, default="", max_length=128),
        ),
        migrations.RunPython(adopt_what_is_kept, migrations.RunPython.noop),
    ]
