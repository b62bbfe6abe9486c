#!/bin/sh
# Says of every word that it was there once.
tr -s '[:space:]' '\n' | sed -e '/^$/d' -e 's/$/\t1/'
