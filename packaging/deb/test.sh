#!/usr/bin/env bash
# Installs, starts, upgrades, removes and purges the packages, in a throw-away copy of this system.
#
#     packaging/deb/build.sh target/debug target/deb && packaging/deb/test.sh target/deb
#
# Without systemd as process 1: the relay is started as the unit says, by hand, as the unit's user and with no more
# privileges than the unit's. packaging/systemd/test.sh tries the unit itself.
set -euo pipefail

if [[ ${1:-} != --inside ]]; then
    exec "$(dirname "$0")/../sandbox.sh" "$(realpath "$0")" --inside "$(realpath "$1")"
fi

debs=$2
relay=$(echo "$debs"/schat-relay_*.deb) client=$(echo "$debs"/schat_*.deb)
unit=/usr/lib/systemd/system/schat-relay.service
config=/etc/schat-relay/relay.toml
data=/var/lib/schat-relay
export DEBIAN_FRONTEND=noninteractive

main() {
    files >/tmp/before

    say "install"
    dpkg -i "$relay" "$client" >/tmp/dpkg 2>&1 || { cat /tmp/dpkg; exit 1; }
    holds "the user exists" id schat-relay
    holds "the data directory is its own" test "$(stat -c %U:%a "$data")" = schat-relay:700
    holds "the service is enabled" test -L /etc/systemd/system/multi-user.target.wants/schat-relay.service
    holds "the socket is not" test ! -e /etc/systemd/system/sockets.target.wants/schat-relay.socket
    holds "systemd takes the units" systemd-analyze verify "$unit" /usr/lib/systemd/system/schat-relay.socket
    holds "the settings are taken" relay --config "$config" config
    holds "and are a conffile" grep -q "^$config\$" /var/lib/dpkg/info/schat-relay.conffiles
    for page in relay relay-status schat schat-host; do
        holds "man $page" man -l "/usr/share/man/man1/$page.1.gz"
    done
    for program in relay schat; do
        holds "completions of $program" bash -n "/usr/share/bash-completion/completions/$program"
    done

    say "start, as the unit does"
    start
    holds "it answers its operator" relay status
    holds "and keeps its data to itself" test "$(stat -c %U:%a "$data/identity")" = schat-relay:700
    pin=$(relay status | sed -n 's/^Pin *//p')
    echo "hello from the package" >/tmp/said
    holds "a message gets through" say_and_read
    holds "a backup is whole" backup
    stop

    say "upgrade"
    echo 'rate = 77' >>"$config"
    dpkg -i "$relay" >/tmp/dpkg 2>&1 || { cat /tmp/dpkg; exit 1; }
    holds "changed settings stay" grep -q '^rate = 77$' "$config"
    start
    holds "the identity stays" test "$(relay status | sed -n 's/^Pin *//p')" = "$pin"
    stop

    say "remove"
    dpkg -r schat-relay >/tmp/dpkg 2>&1
    holds "the program is gone" test ! -e /usr/bin/relay
    holds "the unit is gone" test ! -e "$unit"
    holds "the settings stay" test -s "$config"
    holds "the rooms stay" test -s "$data/relay.redb"

    say "purge"
    dpkg -P schat-relay schat >/tmp/dpkg 2>&1
    holds "the user is gone" test -z "$(getent passwd schat-relay)"
    files >/tmp/after
    holds "nothing is left" diff /tmp/before /tmp/after
    echo "all well"
}

# Everything that a package could leave behind, but for the logs and lists of the package manager itself.
files() {
    find /etc /usr /var -xdev \( -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -name '__pycache__' \) -prune \
        -o -print | grep -vE '^/etc/(passwd|group|g?shadow|sub[ug]id)-?$|/systemd/deb-systemd-(helper|user-helper)-(enabled|masked)$' | sort
}

# The command line of the unit, as its user, with its one privilege.
start() {
    local command
    read -ra command < <(sed -n 's/^ExecStart=//p' "$unit")
    (
        umask "$(sed -n 's/^UMask=//p' "$unit")"
        exec setpriv --reuid schat-relay --regid schat-relay --init-groups --no-new-privs \
            --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service \
            --bounding-set=-all,+net_bind_service env -i PATH="$PATH" HOME=/nonexistent "${command[@]}"
    ) >/tmp/relay.log 2>&1 &
    pid=$!
    for _ in $(seq 300); do
        if relay status >/dev/null 2>&1; then return; fi
        kill -0 $pid 2>/dev/null || break
        sleep 0.1
    done
    cat /tmp/relay.log
    echo "FAILED: the relay does not start"
    exit 1
}

stop() {
    kill $pid
    local status=0
    wait $pid || status=$?
    holds "it stops when told to" test $status = 0
}

# Two people, a room, a line.
say_and_read() {
    local link
    local link_of_relay
    link_of_relay=$(sed -n 's/^Link *//p' /tmp/relay.log | head -n 1)
    printf '/create hall\n/invite\n/quit\n' | timeout 60 schat --profile /tmp/ann --name ann --plain "$link_of_relay" >/tmp/ann.out 2>&1 || return
    link=$(schat --profile /tmp/ann invite hall) || return
    schat --profile /tmp/ann send hall "$(cat /tmp/said)" || return
    printf '/quit\n' | timeout 60 schat --profile /tmp/bob --name bob --plain "$link" >/tmp/bob.out 2>&1 || return
    schat --profile /tmp/bob send hall "and back" || return
    timeout 10 schat --profile /tmp/ann tail hall --from 1 >/tmp/ann.tail || true
    grep -q "and back" /tmp/ann.tail
}

backup() {
    relay backup /tmp/backup && relay restore /tmp/backup --verify
}

say() {
    echo "== $*"
}

holds() {
    local what=$1
    shift
    if "$@" >/tmp/out 2>&1; then
        echo "ok: $what"
    else
        cat /tmp/out
        echo "FAILED: $what"
        exit 1
    fi
}

main
