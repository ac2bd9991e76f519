#!/usr/bin/env bash
# What is packaged is in order: units, example settings, manual pages, completions, compose file; and the Debian packages
# can be installed, used and removed. With programs of any profile; CI uses those of its tests.
#
#     packaging/check.sh [PROGRAMS]      default: target/debug
#
# What cannot be looked at here is named in a line that begins with "skipped:".
set -euo pipefail

cd "$(dirname "$0")/.."
programs=$(realpath "${1:-target/debug}")
# Greatest exposure of the service by systemd's own count, in tenths.
readonly EXPOSURE=20
readonly CARGO_DEB=3.8.0
export RELAY_CONFIG=/dev/null

main() {
    # Below this directory, because the tests of packages see no other /tmp than their own.
    mkdir -p target
    work=$(mktemp -d "$PWD/target/packaging.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    packaging/stage.sh "$programs" "$work/stage"
    local part
    for part in units settings pages completions scripts compose container packages; do
        echo "-- $part"
        "$part"
    done
}

units() {
    if ! need systemd-analyze systemd; then return; fi
    systemd-analyze security --offline=true --threshold=$EXPOSURE packaging/systemd/schat-relay.service | tail -n 1
    # `verify` wants to see the program, which is not installed here.
    sed "s|/usr/bin/relay|$programs/relay|" packaging/systemd/schat-relay.service >"$work/schat-relay.service"
    cp packaging/systemd/schat-relay.socket "$work/"
    systemd-analyze verify --man=no "$work/schat-relay.service" "$work/schat-relay.socket"
    sed "s|/usr/bin/schat|$programs/schat|" packaging/systemd/schat.service >"$work/schat.service"
    XDG_RUNTIME_DIR=$work systemd-analyze verify --man=no --user "$work/schat.service"
}

# The example is taken as it is, and sets the data directory only.
settings() {
    "$programs/relay" --config "$work/stage/relay.toml" config >"$work/config"
    grep -q '^data-dir = "/var/lib/schat-relay" *# ' "$work/config"
    [[ $(grep -c '^[^#]' "$work/stage/relay.toml") == 1 ]]
}

pages() {
    if ! need mandoc mandoc; then return; fi
    local page
    for page in "$work"/stage/man/*.gz; do
        gunzip -c "$page" | mandoc -T lint -W error
    done
}

completions() {
    bash -n "$work/stage/completions/relay.bash"
    bash -n "$work/stage/completions/schat.bash"
    grep -q -- --keep-days "$work/stage/completions/_relay"
}

scripts() {
    local script
    for script in packaging/deb/relay/*; do sh -n "$script"; done
    if ! need shellcheck shellcheck; then return; fi
    shellcheck packaging/*.sh packaging/*/*.sh packaging/deb/relay/*
}

# Only its form: there is no container engine to ask.
compose() {
    if ! python3 -c 'import yaml' 2>/dev/null && ! { install_package python3-yaml && python3 -c 'import yaml'; }; then
        skip "YAML files were not read: there is no PyYAML"
        return
    fi
    python3 - <<'END'
import yaml
for path in "docker/compose.yaml", "prometheus/alerts.yml", "prometheus/scrape.yml":
    with open(f"packaging/{path}") as file:
        parsed = yaml.safe_load(file)
    if path == "docker/compose.yaml":
        relay = parsed["services"]["relay"]
        assert relay["read_only"] and relay["cap_drop"] == ["ALL"], relay
        assert sorted(port.split("/")[1] for port in relay["ports"]) == ["tcp", "udp"], relay["ports"]
END
}

container() {
    # What is staged, as its sandbox has a /tmp of its own, and the programs may lie there.
    tried packaging/docker/test.sh "$work/stage"
}

packages() {
    if ! command -v dpkg >/dev/null; then
        skip "the Debian packages were not tried: this is no Debian"
        return
    fi
    local have
    have=$(cargo deb --version 2>/dev/null || true)
    if [[ ${have##* } != "$CARGO_DEB" ]]; then
        if [[ -z ${CI:-} ]]; then
            skip "the Debian packages were not tried: cargo install cargo-deb --locked --version $CARGO_DEB"
            return
        fi
        # Unoptimised: that is built in a third of the time, and what it does here takes a moment.
        cargo install --debug cargo-deb --locked --version "$CARGO_DEB"
    fi
    packaging/deb/build.sh "$programs" "$work/debs" --fast
    tried packaging/deb/test.sh "$work/debs"
    tried packaging/systemd/test.sh "$work/debs"
}

# Runs a test that may find that it cannot be run here.
tried() {
    local status=0
    # These have settings of their own, where a machine has them.
    env -u RELAY_CONFIG "$@" || status=$?
    if ((status == 77)); then
        skip "$1 was not run: it takes root, overlayfs and, for systemd, a writable cgroup2"
    elif ((status != 0)); then
        return $status
    fi
}

# Whether there is such a program, after trying to install its package.
need() {
    if command -v "$1" >/dev/null || { install_package "$2" && command -v "$1" >/dev/null; }; then return; fi
    skip "there is no $1 here (Debian's package $2)"
    return 1
}

# Only where nobody minds.
install_package() {
    [[ -n ${CI:-} ]] && ((EUID == 0)) && command -v apt-get >/dev/null && apt-get install -y -q "$1" >/dev/null 2>&1
}

skip() {
    echo "skipped: $*"
}

main
