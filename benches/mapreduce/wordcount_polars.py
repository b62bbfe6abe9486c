#!/usr/bin/env python3
"""Word count by polars: wordcount_polars.py TEXT OUT. Words are cut at spaces and tabs, within lines."""
import sys
import polars as pl

text, out = sys.argv[1:]
lines = pl.scan_csv(text, has_header=False, separator="\x01", quote_char=None, new_columns=["line"],
                    encoding="utf8-lossy", schema={"line": pl.String})
words = lines.select(pl.col("line").str.replace_all("\t", " ", literal=True).str.split(" ").alias("word"))
counts = words.explode("word").filter(pl.col("word") != "").group_by("word").len().sort("word")
counts.collect(engine="streaming").write_csv(out, separator="\t", include_header=False, quote_style="never")
