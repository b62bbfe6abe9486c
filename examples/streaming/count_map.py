#!/usr/bin/env python3
"""Says of every word that it was there once."""

import sys

for line in sys.stdin:
    for word in line.split():
        print(word, 1, sep="\t")
