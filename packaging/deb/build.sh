#!/usr/bin/env bash
# Makes the Debian packages of programs that are built already (cargo install cargo-deb --locked --version 3.8.0).
#
#     packaging/deb/build.sh PROGRAMS OUT [OPTION…]      for example: target/dist dist; options are cargo-deb's
set -euo pipefail

cd "$(dirname "$0")/../.."
programs=$1 out=$2
shift 2
# cargo-deb takes programs from DIR/release and refuses the profile dev; so it gets a target directory of its own, and
# packages of either profile can be tried.
stage=target/package
packaging/stage.sh "$programs" "$stage/release"
mkdir -p "$out"
for package in relay client; do
    CARGO_TARGET_DIR=$stage cargo deb --locked --quiet --no-build --strip --package "$package" --output "$out" "$@"
done
