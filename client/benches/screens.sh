#!/usr/bin/env bash
# The pictures of docs/screens, in tmux, 80 by 24: a room of two, once on each ground and with fewer colours; and a room that is open, one
# whose members are verified, and an alarm there.
#
#   client/benches/screens.sh [path of schat] [directory]
set -euo pipefail

here=$(dirname "$(realpath "$0")")
schat=$(realpath "${1:-target/release/schat}")
pictures=${2:-docs/screens}
work=$(mktemp -d)
tmux_=(tmux -u -L "screens-$$" -f /dev/null)
trap '"${tmux_[@]}" kill-server 2>/dev/null; rm -rf "$work"' EXIT
mkdir -p "$pictures"

screen() { "${tmux_[@]}" capture-pane -p -t "$1"; }

sees() {
    local tries=0
    until screen "$1" | grep -qE -- "$2"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 3000 ]; then
            echo "$1 does not see: $2" >&2
            screen "$1" >&2
            exit 1
        fi
        sleep 0.01
    done
}

says() {
    "${tmux_[@]}" send-keys -t "$1" -l -- "$2"
    "${tmux_[@]}" send-keys -t "$1" Enter
}

# A program with an empty home, and with these variables.
begins() {
    local name=$1 of=$2 arguments=$3
    shift 3
    mkdir -p "$work/$of/$name"
    "${tmux_[@]}" new-session -d -s "$of-$name" -x 80 -y 24 \
        "exec env -i HOME='$work/$of/$name' LANG=C.UTF-8 PATH=/usr/bin:/bin TERM=tmux-256color $* '$schat' --name $name $arguments"
}

# Ann hosts a room, and bob joins; variables of her terminal. The link is in `link`.
together() {
    local of=$1
    shift
    begins ann "$of" "host --listen 127.0.0.1:0" "$@"
    sees "$of-ann" '^schat://'
    link=$(screen "$of-ann" | awk '/^schat:\/\// { on = 1 } on && /^ *$/ { exit } on { printf "%s", $1 }')
    "${tmux_[@]}" send-keys -t "$of-ann" Escape
    sees "$of-ann" 'You are in lobby'
    begins bob "$of" "'$link'"
    sees "$of-ann" 'bob joined'
}

# What ann sees as a picture: of which home, its name, the ground.
takes() {
    "${tmux_[@]}" capture-pane -e -N -p -t "$1-ann" | "$here/screen_svg.py" "$3" >"$pictures/$2.svg"
}

# The room of two: the picture's name, the ground, variables of ann's terminal.
picture() {
    local of=$1 ground=$2
    shift 2
    together "$of" "$@"
    says "$of-ann" 'Hello **everybody**, see https://example.org/notes and `code`'
    says "$of-bob" 'what shall we eat, ann?'
    sees "$of-ann" 'what shall we eat'
    says "$of-ann" '/reply soup, at eight'
    sees "$of-bob" 'at eight'
    says "$of-bob" '/react 👍'
    says "$of-bob" '日本語 too 👨‍👩‍👧, and then this'
    says "$of-ann" '/disappear 7d'
    sees "$of-bob" 'disappear'
    sees "$of-ann" 'and then this'
    sees "$of-ann" '✓'
    "${tmux_[@]}" send-keys -t "$of-ann" -l -- 'a draft'
    sees "$of-ann" 'a draft'
    takes "$of" "$of" "$ground"
    "${tmux_[@]}" kill-session -t "$of-ann"
    "${tmux_[@]}" kill-session -t "$of-bob"
}

# Who can read it: a room that is open, one whose members are verified, and an alarm when somebody comes there who is not.
who() {
    together who COLORFGBG='15\;0'
    says who-ann '/join town'
    sees who-ann 'OPEN room'
    says who-ann 'Is anybody here?'
    sees who-ann 'here\? .*✓'
    takes who open dark
    says who-ann '/join lobby'
    sees who-ann '^ lobby'
    says who-ann '/verify bob'
    sees who-ann 'If it is, say so'
    says who-ann '/verify bob yes'
    sees who-ann 'bob is verified'
    says who-bob 'Now you know that it is me.'
    sees who-ann 'that it is me'
    says who-ann 'The code of the door is 4711.'
    sees who-ann '4711.*✓'
    takes who verified dark
    begins eve who "'$link'"
    sees who-ann 'eve joined'
    sees who-ann 'Fingerprint'
    takes who alarm dark
}

picture dark dark COLORFGBG='15\;0'
picture light light COLORFGBG='0\;15'
picture sixteen dark TERM=xterm COLORFGBG='15\;0'
picture plain dark NO_COLOR=1
who
