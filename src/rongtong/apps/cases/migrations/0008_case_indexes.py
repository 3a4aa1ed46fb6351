from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [('cases', '0007_desk_indexes')]

    operations = [
        migrations.AddIndex(model_name="case", index=models.Index(fields=["process", "id"], name="case_process")),
    ]
