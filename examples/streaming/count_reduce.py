#!/usr/bin/env python3
"""Adds up what is said of each word. Equal words come one after the other."""

import sys

last, total = None, 0
for line in sys.stdin:
    word, count = line.rstrip("\n").split("\t")
    if word != last:
        if last is not None:
            print(last, total, sep="\t")
        last, total = word, 0
    total += int(count)
if last is not None:
    print(last, total, sep="\t")
