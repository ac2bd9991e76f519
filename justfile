# What can be run here: `just --list`. Every recipe is one plain command that works without just, too.

# list the recipes
default:
    @just --list --unsorted

# what must hold before a change goes in; CI does the same, and more
check: fmt-check clippy deny test

# format everything
fmt:
    cargo fmt --all

# is everything formatted?
fmt-check:
    cargo fmt --all --check

# lint everything
clippy:
    cargo clippy --workspace --all-targets -- -D warnings

# who may depend on whom, licences, sources (no network needed)
deny:
    cargo deny check bans licenses sources

# known vulnerabilities (downloads the RustSec database)
advisories:
    cargo deny check advisories

# all tests; `just test -p shared aead` for some
test *args:
    cargo test {{ if args == "" { "--workspace" } else { args } }}

# all tests, faster and better shown (cargo install cargo-nextest); doc tests aside
nextest *args:
    cargo nextest run --workspace {{ args }}

# real relay, real clients, real QUIC
integration:
    cargo test -p integration-tests

# instructions that a message takes in the relay's log, against the numbers in relay/instructions/benches (needs valgrind)
instructions:
    .ci/run instructions

# what the relay promises of its disk, as long as it deserves: an hour or two
soak: soak-power soak-full-disk soak-cas soak-kill

# the power goes at every write and fsync of so many workloads
soak-power seeds="2000":
    SCHAT_SEEDS={{ seeds }} cargo test -p relay --lib power -- --nocapture

# random lives of a room, hostile people included: 100,000 are about ten million calls of the engine
soak-lives seeds="100000":
    SCHAT_SEEDS={{ seeds }} cargo test --release -p shared --lib every_life -- --nocapture

# a full disk, so many times (needs root, to mount a small file system)
soak-full-disk cycles="100":
    SCHAT_CYCLES={{ cycles }} cargo test -p relay --test it full_disk -- --nocapture

# sixteen writers race for the next commit
soak-cas races="100000":
    SCHAT_RACES={{ races }} cargo test -p relay --test it sixteen_writers -- --nocapture

# kill -9 under load: the relay alone, then with real clients
soak-kill kills="1000" with-clients="100":
    SCHAT_CRASH_ROUNDS={{ kills }} cargo test -p relay --test it killed_relay -- --nocapture
    SCHAT_KILLS={{ with-clients }} cargo test -p integration-tests --test crash relay_killed -- --nocapture

# a relay and three members in one process
demo:
    cargo run -p client --bin schat -- demo

# an authority and a server certificate in certs-out/; prints the pin
certs *names="localhost":
    cargo run -p certs -- --out certs-out {{ prepend("--name ", names) }}

# benchmarks; `just bench seal` for some
bench *filter:
    cargo bench -p shared -- {{ filter }}

# a new device: twenty rooms, and a long past (`just bench-linking rooms`)
bench-linking *what:
    cargo bench -p integration-tests --bench linking -- {{ what }}

# start, scrolling and keys in a room of so many messages
bench-client lines="100000":
    cargo bench --workspace --bench long_room -- {{ lines }}

# the relay beside nats-server and Mosquitto, which it brings
bench-peers *options:
    sh relay/bench-peers.sh {{ options }}

# measure the relay: one scenario, e.g. `just bench-relay flood gaps`; `relay bench --help` lists them
bench-relay *scenario:
    cargo run --profile dist -p relay -- bench {{ scenario }}

# all figures of docs/performance.md about the relay, tables on stderr; needs an idle machine and an hour
bench-relay-all:
    cargo build --profile dist -p relay
    sh relay/bench-all.sh target/dist/relay

# does the core still build for a browser? (rustup target add wasm32-unknown-unknown)
wasm:
    cargo check -p shared --lib --target wasm32-unknown-unknown

# list the fuzz targets
fuzz-list:
    cargo +nightly fuzz list

# fuzz one target for a while (cargo install cargo-fuzz; needs nightly)
fuzz target seconds="60":
    cargo +nightly fuzz run {{ target }} -- -max_total_time={{ seconds }}

# units, example settings, manual pages and Debian packages, with the programs in target/debug
packaging:
    cargo build -p relay -p client --features client/full --bins
    packaging/check.sh "${CARGO_TARGET_DIR:-target}/debug"

# everything that a release has, in dist/ (see packaging/release.sh for the tools it takes)
release:
    packaging/release.sh

# the documentation of this house's crates
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# exactly what CI runs
ci:
    .ci/run
