#!/usr/bin/env bash
# Starts the relay as the Dockerfile and compose.yaml say (user, environment, port, no capability, read-only file system,
# health check), without an engine, in a throw-away copy of this system. That an image can be built is not tried here.
#
#     packaging/docker/test.sh target/debug
set -euo pipefail

if [[ ${1:-} != --inside ]]; then
    exec "$(dirname "$0")/../sandbox.sh" "$(realpath "$0")" --inside "$(realpath "$1")"
fi

dockerfile=$(dirname "$0")/Dockerfile
install -s -m 755 "$2/relay" /usr/local/bin/relay

# The last stage's lines, with continued ones joined.
said() {
    sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$dockerfile" | sed -n '/^FROM debian/,$p' | sed -n "s/^$1 *//p"
}

bash -euc "$(said RUN | grep '^install ')"
# As compose.yaml says.
echo 443 >/proc/sys/net/ipv4/ip_unprivileged_port_start
user=$(said USER)
read -ra environment < <(said ENV)
read -ra entrypoint < <(said ENTRYPOINT | tr -d '[]",')
read -ra health < <(said HEALTHCHECK | sed 's/.*CMD //' | tr -d '[]",')
inside=(setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all
    env -i "${environment[@]}")
mount --bind /data /data
mount -o remount,bind,ro /
echo "as ${user} with ${environment[*]}: ${entrypoint[*]}"
"${inside[@]}" "${entrypoint[@]}" >/tmp/relay.log 2>&1 &
pid=$!
for _ in $(seq 300); do
    if "${inside[@]}" "${health[@]}" >/tmp/health 2>&1; then break; fi
    kill -0 $pid 2>/dev/null || break
    sleep 0.1
done
"${inside[@]}" "${health[@]}" >/tmp/health 2>&1 || { cat /tmp/relay.log /tmp/health; echo "FAILED: it is not healthy"; exit 1; }
grep -q '^CapEff:.*0000000000000000$' /proc/$pid/status || { echo "FAILED: it has capabilities"; exit 1; }
kill -s "$(said STOPSIGNAL)" $pid
wait $pid || { echo "FAILED: it does not stop in order"; exit 1; }
if "${inside[@]}" "${health[@]}" >/dev/null 2>&1; then
    echo "FAILED: it is healthy without running"
    exit 1
fi
echo "all well"
