"""Write a table's rows in bulk: COPY on PostgreSQL, one prepared INSERT elsewhere."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from django.db import connection
from django.db.models import Field, JSONField, Model


def insert_rows(model: type[Model], rows: pd.DataFrame) -> None:
    """Insert the rows, whose columns are named like the model's attributes; nothing else is set or checked."""
    fields = [model._meta.get_field(str(name)) for name in rows.columns]
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    columns = ", ".join(quote(str(field.column)) for field in fields if isinstance(field, Field))
    values = _values(rows, [place for place, field in enumerate(fields) if isinstance(field, JSONField)])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in values:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(fields))
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(values))


def _values(rows: pd.DataFrame, json_places: Sequence[int]) -> Iterable[Sequence[Any]]:
    tuples = rows.itertuples(index=False, name=None)
    return (_with_json(row, json_places) for row in tuples) if json_places else tuples


def _with_json(row: Sequence[Any], places: Sequence[int]) -> Sequence[Any]:
    values = list(row)
    for place in places:
        if values[place] is not None:
            values[place] = json.dumps(values[place])
    return values
