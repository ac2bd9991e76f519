#!/usr/bin/env bash
# Runs a command in a throw-away copy of this system: an overlay over / in namespaces of its own, without a network but
# loopback. Whatever it installs, starts or removes is gone afterwards. Needs root and overlayfs.
#
#     packaging/sandbox.sh COMMAND [ARGUMENT…]      ends with 77 where that cannot be had
set -euo pipefail

if [[ ${1:-} != --inside ]]; then
    if ((EUID != 0)); then
        echo "sandbox: this takes root" >&2
        exit 77
    fi
    base=$(mktemp -d)
    trap 'rmdir "$base"' EXIT
    unshare --mount --pid --fork --kill-child --net --uts --ipc --cgroup "$0" --inside "$base" "$PWD" "$@"
    exit
fi

shift
base=$1 directory=$2
shift 2
mount --make-rprivate /
# What is changed lives in memory.
mount -t tmpfs -o size=2g,mode=755 none "$base"
mkdir "$base/up" "$base/work" "$base/root"
if ! mount -t overlay -o "lowerdir=/,upperdir=$base/up,workdir=$base/work" none "$base/root"; then
    echo "sandbox: there is no overlayfs here" >&2
    exit 77
fi
mount -t proc proc "$base/root/proc"
mount -t sysfs sys "$base/root/sys"
mount --rbind /dev "$base/root/dev"
mount -t tmpfs -o mode=1777 tmp "$base/root/tmp"
mount -t tmpfs -o mode=755 run "$base/root/run"
mkdir -p "$base/root$directory"
# The overlay does not reach into other file systems, which the working copy may be on.
mount --bind -o ro "$directory" "$base/root$directory"
ip link set lo up
exec chroot "$base/root" /bin/bash -c 'cd "$1" && shift && exec "$@"' - "$directory" "$@"
