#!/usr/bin/env bash
# The first minute, measured: two people begin with empty homes, each in a terminal of 80 by 24 cells in tmux, until each has
# read a line of the other. It prints keystrokes, seconds of the machine and lines that stood on the screen, for each of them.
#
#   client/benches/first_minute.sh [path of schat]
#
# Keys are counted from the shell's prompt on; what is pasted is one. The seconds are the program's alone: keys follow at
# once on what they wait for, and a person reads and types besides. Lines are counted once, however long they stand there.
set -euo pipefail

schat=$(realpath "${1:-target/release/schat}")
work=$(mktemp -d)
tmux_=(tmux -L "first-minute-$$" -f /dev/null)
trap '"${tmux_[@]}" kill-server 2>/dev/null; rm -rf "$work"' EXIT
declare -A keys seconds

# A person with an empty home and a shell of their own. `schat host` takes a free port, so that the measure disturbs nobody.
person() {
    local home=$work/$1
    mkdir -p "$home/bin"
    printf '#!/bin/sh\n[ "$1" = host ] && set -- "$@" --listen 127.0.0.1:0\nexec "%s" "$@"\n' "$schat" >"$home/bin/schat"
    chmod +x "$home/bin/schat"
    "${tmux_[@]}" new-session -d -s "$1" -x 80 -y 24 \
        "cd '$home' && exec env -i HOME='$home' USER=$1 TERM=tmux-256color LANG=C.UTF-8 PS1='$ ' PATH='$home/bin:/usr/bin:/bin' bash --norc --noprofile"
    keys[$1]=0
    : >"$work/$1.seen"
    sees "$1" '^\$'
}

screen() { "${tmux_[@]}" capture-pane -p -t "$1"; }

# Waits until a line fits, and remembers what can be read until then.
sees() {
    local tries=0
    until screen "$1" | tee -a "$work/$1.seen" | grep -qE -- "$2"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 3000 ]; then
            echo "$1 does not see: $2" >&2
            screen "$1" >&2
            exit 1
        fi
        sleep 0.01
    done
}

types() {
    "${tmux_[@]}" send-keys -t "$1" -l -- "$2"
    keys[$1]=$((keys[$1] + ${#2}))
}

presses() {
    "${tmux_[@]}" send-keys -t "$1" "$2"
    keys[$1]=$((keys[$1] + 1))
}

pastes() {
    "${tmux_[@]}" set-buffer -- "$2"
    "${tmux_[@]}" paste-buffer -p -t "$1"
    keys[$1]=$((keys[$1] + 1))
}

now() { date +%s%N; }
since() { awk -v from="$1" -v to="$(now)" 'BEGIN { printf "%.2f", (to - from) / 1e9 }'; }
# Without what only frames something.
lines() { sed 's/[│┌┐└┘─]//g; s/^ *//; s/ *$//' "$work/$1.seen" | grep -E '[[:alnum:]]' | sort -u | wc -l; }

person ann
person bob

began=$(now)
types ann 'schat host'
presses ann Enter
sees ann 'Your name'
types ann ann
presses ann Enter
sees ann '^schat://'
# The link stands alone between empty lines.
link=$(screen ann | awk '/^schat:\/\// { on = 1 } on && /^ *$/ { exit } on { printf "%s", $1 }')
presses ann Escape
sees ann 'You are in lobby'
waits=$(since "$began")

began=$(now)
types bob schat
presses bob Enter
sees bob 'Your name'
types bob bob
presses bob Enter
sees bob '1  Join a room'
presses bob 1
sees bob 'Paste the link here'
pastes bob "$link"
presses bob Enter
sees bob 'You are in lobby'
sees ann 'bob joined'
types bob hi
presses bob Enter
sees ann 'bob: hi$|bob: hi '
answered=$(now)
types ann hello
presses ann Enter
sees bob 'ann: hello'
seconds[bob]=$(since "$began")
seconds[ann]=$(awk -v a="$waits" -v b="$(since "$answered")" 'BEGIN { printf "%.2f", a + b }')

for who in ann bob; do
    echo "$who: ${keys[$who]} keys, ${seconds[$who]} s, $(lines "$who") lines"
done
