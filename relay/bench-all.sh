#!/bin/sh
# Every figure of docs/performance.md about the relay, one after the other. Tables go to stderr, one line of
# JSON per scenario to stdout.
#
#   sh relay/bench-all.sh target/dist/relay [options for every scenario, e.g. --directory /dev/shm]
set -eu
relay=$1
shift
measure() { "$relay" bench "$@"; }

for manner in unread unacknowledged; do
    measure stalled-readers --manner "$manner" --repetitions 9 "$@"
done
measure flood handshakes --repetitions 9 "$@"
measure flood handshakes --handshakes 5000 --repetitions 9 "$@"
for kind in streams gaps migrations frames tcp-handshakes tcp-frames; do
    measure flood "$kind" --repetitions 9 "$@"
    measure flood "$kind" --open --repetitions 9 "$@"
done
for kind in idle half-open streams frames gaps amplification; do
    measure strangers "$kind" --repetitions 3 "$@"
done
measure idle-members --repetitions 3 "$@"
measure churn --repetitions 3 "$@"
measure throughput publishes "$@"
measure throughput deliveries "$@"
measure restart "$@"
