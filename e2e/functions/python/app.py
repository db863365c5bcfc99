"""A word count kept in SQLite, with nothing but the standard library."""

import base64
import json
import re
import sqlite3
import zlib
from collections import Counter
from datetime import datetime, timezone
from urllib.parse import parse_qs

database = sqlite3.connect(":memory:")
database.execute("create table words (word text primary key, count integer)")


def handler(event, context):
    text = event.get("text") or parse_qs(event.get("rawQueryString", "")).get("text", [""])[0]
    counts = Counter(re.findall(r"\w+", text.lower()))
    database.executemany(
        "insert into words values (?, ?) on conflict (word) do update set count = count + excluded.count",
        counts.items(),
    )
    rows = database.execute("select word, count from words order by count desc, word").fetchall()
    packed = base64.b64encode(zlib.compress(json.dumps(rows).encode())).decode()
    return {"words": dict(rows), "packed": packed, "year": datetime.now(timezone.utc).year}
