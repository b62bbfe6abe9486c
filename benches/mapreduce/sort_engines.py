#!/usr/bin/env python3
"""A sort of lines by another engine within a memory limit: sort_engines.py duckdb|polars|datafusion LINES OUT MEGABYTES."""
import sys


def duckdb(lines, out, megabytes):
    import duckdb
    db = duckdb.connect(config={"memory_limit": f"{megabytes}MB", "threads": 2, "temp_directory": out + ".spill",
                                "preserve_insertion_order": False})
    table = f"""read_csv('{lines}', columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', escape = '', header = false,
                auto_detect = false)"""
    db.execute(f"COPY (SELECT line FROM {table} ORDER BY line) TO '{out}' (HEADER false, QUOTE '', DELIMITER '\x01')")


def polars(lines, out, megabytes):
    # It has no limit of its own: the system's is set from outside.
    import polars as pl
    table = pl.scan_csv(lines, has_header=False, separator="\x01", quote_char=None, schema={"line": pl.String})
    table.sort("line").sink_csv(out, include_header=False, quote_style="never", separator="\x01")


def datafusion(lines, out, megabytes):
    from datafusion import RuntimeEnvBuilder, SessionConfig, SessionContext
    runtime = RuntimeEnvBuilder().with_disk_manager_os().with_fair_spill_pool(megabytes << 20)
    context = SessionContext(SessionConfig().with_target_partitions(2), runtime)
    context.sql(f"""CREATE EXTERNAL TABLE t (line VARCHAR) STORED AS CSV LOCATION '{lines}'
                    OPTIONS ('format.has_header' 'false', 'format.delimiter' '\x01')""")
    context.sql("SELECT line FROM t ORDER BY line").write_csv(out, with_header=False)


name, lines, out, megabytes = sys.argv[1:]
{"duckdb": duckdb, "polars": polars, "datafusion": datafusion}[name](lines, out, int(megabytes))
