"""The day a case ended, for those that had ended before it was kept (0004): the day they entered the stage they are in."""

from datetime import timedelta, timezone

from django.db import migrations

BEIJING = timezone(timedelta(hours=8))


def fill(apps, _schema_editor):
    rows = apps.get_model("cases", "Case").objects.filter(closed_on=None).exclude(outcome="")
    for pk, entered in list(rows.values_list("pk", "entered_at")):
        rows.filter(pk=pk).update(closed_on=entered.astimezone(BEIJING).date())


class Migration(migrations.Migration):
    dependencies = [("cases", "0008_case_indexes")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
