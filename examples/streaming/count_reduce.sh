#!/bin/sh
# Adds up what is said of each word. Equal words come one after the other.
awk -F '\t' '
    $1 != last { if (NR > 1) print last "\t" total; last = $1; total = 0 }
    { total += $2 }
    END { if (NR > 0) print last "\t" total }
'
