#!/usr/bin/env python3
"""Prints each station's warmest day. Degrees come sorted, so the first line of a station is the answer."""

import sys

last = None
for line in sys.stdin:
    station, degrees, day = line.rstrip("\n").split("\t")
    if station != last:
        print(station, day, degrees, sep="\t")
        last = station
