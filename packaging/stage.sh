#!/usr/bin/env bash
# Lays out what the packages are made of: the programs, their manual pages and completions, an example relay.toml.
#
#     packaging/stage.sh PROGRAMS OUT      PROGRAMS holds `relay` and `schat`, for example target/dist
set -euo pipefail

programs=$1 out=$2
rm -rf "$out"
mkdir -p "$out/man" "$out/completions"
# Nobody's settings and nobody's home get into a package.
export RELAY_CONFIG=/dev/null HOME=/nonexistent
for program in relay schat; do
    install -m 755 "$programs/$program" "$out/$program"
    "$out/$program" man "$out/man"
    "$out/$program" completions bash >"$out/completions/$program.bash"
    "$out/$program" completions zsh >"$out/completions/_$program"
    "$out/$program" completions fish >"$out/completions/$program.fish"
done
gzip -9n "$out"/man/*.1
"$out/relay" --data-dir /var/lib/schat-relay config --example >"$out/relay.toml"
