#!/usr/bin/env bash
# Everything that a release has, in dist/: programs with the list of their dependencies inside (cargo auditable), Debian
# packages, an archive for other systems, a bill of materials for each program (CycloneDX), checksums.
#
#     cargo install cargo-deb --locked --version 3.8.0
#     cargo install cargo-auditable --locked --version 0.7.7
#     cargo install cargo-cyclonedx --locked --version 0.5.9
#     packaging/release.sh [DIST]
set -euo pipefail

cd "$(dirname "$0")/.."
dist=${1:-dist}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
host=$(rustc -vV | sed -n 's/^host: //p')
# The same commit gives the same dates.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

rm -rf "$dist"
mkdir -p "$dist"
# Nobody's directories stay in the programs: panics name files.
export RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=/schat --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
cargo auditable build --locked --profile dist --package relay --package client --features client/full --bins

packaging/deb/build.sh target/dist "$dist"

name=schat-$version-$host
mkdir -p "target/package/$name"
cp -r target/package/release/. LICENSE README.md CHANGELOG.md SECURITY.md docs packaging/systemd "target/package/$name/"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    -C target/package -czf "$dist/$name.tar.gz" "$name"

# One file beside each Cargo.toml; those of the two programs are kept. Paths of this machine are nobody's business.
cargo cyclonedx --features client/full --format json --spec-version 1.5 --quiet --override-filename sbom
for package in relay client; do
    sed "s|path+file://$PWD|path+file:///schat|g" "$package/sbom.json" >"$dist/$package-$version.cdx.json"
done
rm -f ./*/sbom.json

(cd "$dist" && sha256sum -- * >SHA256SUMS)
ls -l "$dist"
