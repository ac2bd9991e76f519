#!/usr/bin/env bash
# The unit under a systemd of its own: installs the package and sees what systemd does with the relay. In a throw-away
# copy of this system; ends with 77 where that cannot be had.
#
#     packaging/systemd/test.sh DIR      DIR holds schat-relay_*.deb
set -euo pipefail

if [[ ${1:-} != --inside ]]; then
    exec "$(dirname "$0")/../sandbox.sh" --boot "$(realpath "$0")" --inside "$(realpath "$1")"
fi

debs=$2
config=/etc/schat-relay/relay.toml
export DEBIAN_FRONTEND=noninteractive
trap 'if (($? != 0)); then journalctl --no-pager -u schat-relay | tail -n 40; fi' EXIT

main() {
    dpkg -i "$debs"/schat-relay_*.deb >/tmp/dpkg 2>&1 || { cat /tmp/dpkg; exit 1; }
    holds "installing starts it" systemctl is-active schat-relay
    holds "it has said that it serves" shows StatusText serving
    holds "it answers its operator" relay status
    holds "its one privilege is that on ports" grep -q '^CapEff:.*0000000000000400$' "/proc/$(pid)/status"
    holds "it may not get others" grep -q '^NoNewPrivs:.*1$' "/proc/$(pid)/status"
    holds "it runs as its own user" test "$(stat -c %U "/proc/$(pid)")" = schat-relay
    pin=$(relay status | sed -n 's/^Pin *//p')

    holds "it reads its settings again" systemctl reload schat-relay
    echo 'rate = "many"' >>"$config"
    fails "settings that make no sense are refused" systemctl reload schat-relay
    holds "and it goes on" systemctl is-active schat-relay
    sed -i '$d' "$config"

    local before
    before=$(pid)
    kill -9 "$before"
    awaited "it is started again after a crash" another "$before"
    holds "as the same relay" test "$(relay status | sed -n 's/^Pin *//p')" = "$pin"

    # A minute is long for a test; two seconds are the same rule.
    mkdir -p /etc/systemd/system/schat-relay.service.d
    printf '[Service]\nWatchdogSec=2s\n' >/etc/systemd/system/schat-relay.service.d/test.conf
    systemctl daemon-reload
    systemctl restart schat-relay
    before=$(pid)
    kill -STOP "$before"
    awaited "one that hangs is replaced" another "$before"
    rm -r /etc/systemd/system/schat-relay.service.d
    systemctl daemon-reload

    before=$(pid)
    dpkg -i "$debs"/schat-relay_*.deb >/tmp/dpkg 2>&1 || { cat /tmp/dpkg; exit 1; }
    awaited "an upgrade restarts it" another "$before"

    systemctl disable -q --now schat-relay.service
    systemctl start schat-relay.socket
    fails "with the socket alone it does not run" systemctl is-active schat-relay
    echo anything >/dev/udp/127.0.0.1/443
    awaited "a packet starts it" relay status
    before=$(pid)
    systemctl restart schat-relay
    awaited "it restarts on the same socket" another "$before"
    systemctl stop schat-relay.service schat-relay.socket
    systemctl start schat-relay.socket
    : </dev/tcp/127.0.0.1/443
    awaited "so does a connection over TCP" relay status

    dpkg -P schat-relay >/tmp/dpkg 2>&1 || { cat /tmp/dpkg; exit 1; }
    fails "purging stops it" systemctl is-active schat-relay.service schat-relay.socket
    holds "the port is free" test -z "$(ss -Hlnu 'sport = :443')$(ss -Hlnt 'sport = :443')"
    echo "all well"
}

pid() {
    systemctl show -p MainPID --value schat-relay
}

shows() {
    [[ $(systemctl show -p "$1" --value schat-relay) == *$2* ]]
}

# Whether another process serves now.
another() {
    [[ $(pid) != 0 && $(pid) != "$1" ]] && relay status
}

# Within half a minute.
awaited() {
    local what=$1 _
    shift
    for _ in $(seq 300); do
        if "$@" >/tmp/out 2>&1; then
            echo "ok: $what"
            return
        fi
        sleep 0.1
    done
    cat /tmp/out
    echo "FAILED: $what"
    exit 1
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

fails() {
    local what=$1
    shift
    if "$@" >/tmp/out 2>&1; then
        echo "FAILED: $what"
        exit 1
    fi
    echo "ok: $what"
}

main
