#!/bin/sh
# Counts lines:  divvy run -k --handler examples/handlers/lines.sh ::: *.md
. "$(dirname "$0")/../../clients/shell/divvy-handler.sh"

lines() {
  wc -l <"$1"
}

divvy_handle lines
