#!/usr/bin/env python3
"""Word count by DuckDB: wordcount_duckdb.py TEXT OUT. Words are cut at spaces and tabs, within lines."""
import sys
import duckdb

text, out = sys.argv[1:]
db = duckdb.connect()
db.execute("SET threads = 2")
lines = f"""read_csv('{text}', columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', header = false,
            auto_detect = false, ignore_errors = true, max_line_size = 16000000, strict_mode = false)"""
db.execute(f"""COPY (SELECT word, count(*) FROM (SELECT unnest(string_split(replace(line, '\t', ' '), ' ')) AS word FROM {lines})
               WHERE word <> '' GROUP BY word ORDER BY word) TO '{out}' (DELIMITER '\t', HEADER false, QUOTE '')""")
