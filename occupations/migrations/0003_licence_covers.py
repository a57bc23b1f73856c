from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("occupations", "0002_initial")]

    operations = [
        migrations.AddField(
            model_name="licence",
            name="covers",
            field=models.ManyToManyField(
                blank=True,
                help_text="Lesser licences whose work its holder may do, such as a practical nurse's for a registered nurse.",
                related_name="covered_by",
                to="occupations.licence",
            ),
        ),
    ]
