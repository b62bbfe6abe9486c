#!/usr/bin/env python3
"""Reads `station,day,degrees` and prints `station TAB degrees TAB day`, as a key of two fields.

    divvy mapreduce --mapper ./warmest_map.py --reducer ./warmest_reduce.py --key-fields 2 \
        --order '-k1,1 -k2,2nr' --partition '-k1,1' readings.csv -o warmest
"""

import sys

for line in sys.stdin:
    fields = line.rstrip("\n").split(",")
    if len(fields) != 3:
        print("reporter:counter:readings,malformed,1", file=sys.stderr)
        continue
    station, day, degrees = fields
    print(station, degrees, day, sep="\t")
