# Handlers for divvy in any POSIX shell. To be read with `.`:
#
#     . ./divvy-handler.sh
#     work() { wc -c <"$1"; }
#     divvy_handle work
#
# started as `divvy run --handler 'sh work.sh' ::: a b c`. The function is called with the input as its only argument,
# DIVVY_TASK and DIVVY_ATTEMPT set, and an empty stdin. What it prints is the task's output; if it returns anything but
# 0 the attempt has failed. It runs in a subshell: variables it sets are gone afterwards; what is set before
# divvy_handle stays.
#
# Bytes that are not printable ASCII need the program base64 in the outputs, and in inputs that are not UTF-8. NUL bytes
# are lost, as everywhere in a shell.
#
# The protocol is docs/handlers.md, which promises the form of a task's line that is taken apart here. Version 1.

divvy_newline='
'
divvy_tab=$(printf '\t')
divvy_return=$(printf '\r')

# The JSON string $1, without its quotes, into divvy_value.
divvy_unescape() {
  divvy_rest=$1 divvy_value=
  while :; do
    case $divvy_rest in
    *\\*) ;;
    *) break ;;
    esac
    divvy_value=$divvy_value${divvy_rest%%\\*}
    divvy_rest=${divvy_rest#*\\}
    case $divvy_rest in
    n*) divvy_value=$divvy_value$divvy_newline ;;
    t*) divvy_value=$divvy_value$divvy_tab ;;
    r*) divvy_value=$divvy_value$divvy_return ;;
    u*)
      # A control character, \u00XX; the dot keeps it from being cut off by the substitution.
      divvy_hex=${divvy_rest#u00}
      divvy_rest=${divvy_rest#u00??}
      divvy_hex=${divvy_hex%"$divvy_rest"}
      divvy_char=$(printf "\\$(printf %03o "0x$divvy_hex")."; echo)
      divvy_value=$divvy_value${divvy_char%.}
      continue
      ;;
    *) divvy_value=$divvy_value${divvy_rest%"${divvy_rest#?}"} ;;
    esac
    divvy_rest=${divvy_rest#?}
  done
  divvy_value=$divvy_value$divvy_rest
}

# The text $1 with each $2 replaced by $3, into divvy_value.
divvy_replace() {
  divvy_rest=$1 divvy_value=
  while :; do
    case $divvy_rest in
    *"$2"*) ;;
    *) break ;;
    esac
    divvy_value=$divvy_value${divvy_rest%%"$2"*}$3
    divvy_rest=${divvy_rest#*"$2"}
  done
  divvy_value=$divvy_value$divvy_rest
}

# The output $1 as a field of an answer, into divvy_value.
divvy_field() {
  divvy_locale=${LC_ALL-}
  LC_ALL=C
  divvy_replace "$1" "$divvy_newline" ''
  case $divvy_value in
  *[!\ -~]*)
    divvy_value=,\"output_b64\":\"$(printf %s "$1" | base64 | tr -d '\n')\"
    ;;
  *)
    divvy_replace "$1" '\' '\\'
    divvy_replace "$divvy_value" '"' '\"'
    divvy_replace "$divvy_value" "$divvy_newline" '\n'
    divvy_value=,\"output\":\"$divvy_value\"
    ;;
  esac
  LC_ALL=$divvy_locale
}

# Handles tasks with the function $1 until there are no more.
divvy_handle() {
  # Ready: what came before was the start, and no task's time.
  printf '{"divvy":1}\n'
  while IFS= read -r divvy_line; do
    # Before the input there are only numbers.
    divvy_rest=${divvy_line%%\"input*}
    DIVVY_TASK=${divvy_rest#*\"task\":}
    DIVVY_TASK=${DIVVY_TASK%%,*}
    DIVVY_ATTEMPT=1
    case $divvy_rest in
    *\"attempt\":*)
      DIVVY_ATTEMPT=${divvy_rest#*\"attempt\":}
      DIVVY_ATTEMPT=${DIVVY_ATTEMPT%%,*}
      ;;
    esac
    divvy_rest=${divvy_line#*\"input}
    case $divvy_rest in
    \":\"*)
      divvy_rest=${divvy_rest#\":\"}
      divvy_unescape "${divvy_rest%\"\}}"
      ;;
    *)
      divvy_rest=${divvy_rest#_b64\":\"}
      divvy_value=$(printf %s "${divvy_rest%\"\}}" | base64 -d; echo .)
      divvy_value=${divvy_value%.}
      ;;
    esac
    export DIVVY_TASK DIVVY_ATTEMPT
    # The code comes behind the output, and keeps its last newlines from being cut off. A subshell of its own, since the
    # function may say `exit`.
    divvy_output=$( ("$1" "$divvy_value") </dev/null; echo ".$?")
    divvy_code=${divvy_output##*.}
    divvy_output=${divvy_output%.*}
    divvy_value=
    if [ -n "$divvy_output" ]; then
      divvy_field "$divvy_output"
    fi
    if [ "$divvy_code" -ne 0 ]; then
      divvy_value=$divvy_value,\"error\":\"exit\ code\ $divvy_code\"
    fi
    printf '{"task":%s%s}\n' "$DIVVY_TASK" "$divvy_value"
  done
}
