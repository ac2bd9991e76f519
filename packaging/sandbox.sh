#!/usr/bin/env bash
# Runs a command in a throw-away copy of this system: an overlay over / in namespaces of its own, without a network but
# loopback. Whatever it installs, starts or removes is gone afterwards. Needs root and overlayfs.
#
#     packaging/sandbox.sh COMMAND [ARGUMENT…]            ends with 77 where that cannot be had
#     packaging/sandbox.sh --boot COMMAND [ARGUMENT…]     with systemd as process 1
set -euo pipefail

if [[ ${1:-} != --inside ]]; then
    if ((EUID != 0)); then
        echo "sandbox: this takes root" >&2
        exit 77
    fi
    base=$(mktemp -d)
    cgroup=""
    trap 'rmdir "$base"; [[ -z $cgroup ]] || find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null' EXIT
    if [[ ${1:-} == --boot ]]; then
        # A group of its own, so that systemd finds nobody else's.
        tree=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
        cgroup=$tree/schat-sandbox-$$
        if [[ -z $tree ]] || ! mkdir "$cgroup" 2>/dev/null; then
            cgroup=""
            echo "sandbox: there is no writable cgroup2 here" >&2
            exit 77
        fi
    fi
    (
        [[ -z $cgroup ]] || echo $BASHPID >"$cgroup/cgroup.procs"
        exec unshare --mount --pid --fork --kill-child --net --uts --ipc --cgroup "$0" --inside "$base" "$PWD" "$@"
    )
    exit
fi

shift
base=$1 directory=$2
shift 2
mount --make-rprivate /
# What is changed lives in memory.
mount -t tmpfs -o size=2g,mode=755 none "$base"
mkdir "$base/up" "$base/work" "$base/root"
root=$base/root
if ! mount -t overlay -o "lowerdir=/,upperdir=$base/up,workdir=$base/work" none "$root"; then
    echo "sandbox: there is no overlayfs here" >&2
    exit 77
fi
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sys "$root/sys"
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm" "$root/dev/pts" "$root/dev/mqueue"
mount -t devpts -o newinstance,ptmxmode=666 pts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t mqueue mqueue "$root/dev/mqueue"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=755 run "$root/run"
mkdir -p "$root$directory"
# The overlay does not reach into other file systems, which the working copy may be on.
mount --bind -o ro "$directory" "$root$directory"
ip link set lo up

boot=""
if [[ ${1:-} == --boot ]]; then
    shift
    boot=yes
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
fi
# Not only chroot: the namespaces of systemd's services begin at the root of this one.
mkdir "$root/.old"
cd "$root"
pivot_root . .old
umount -l /.old
rmdir /.old
cd "$directory"
if [[ -z $boot ]]; then
    exec "$@"
fi

# Images of containers forbid packages to start services; here they may.
rm -f /usr/sbin/policy-rc.d
# The command is what is booted into; its end is the end of everything. Nothing else of this system is started.
cat >/etc/systemd/system/sandbox.service <<END
[Unit]
DefaultDependencies=no
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
WorkingDirectory=$directory
Environment=PATH=$PATH
ExecStart=/bin/bash -c 'exec "\$@" >/tmp/output 2>&1' - $*
END
for unit in systemd-udevd systemd-udev-trigger systemd-modules-load systemd-sysctl systemd-timesyncd systemd-remount-fs \
    systemd-networkd-wait-online networking apparmor; do
    ln -sf /dev/null "/etc/systemd/system/$unit.service"
done
: >/tmp/output
tail -f /tmp/output --pid=1 &
exec /usr/bin/env -i container=schat /lib/systemd/systemd --system --unit=sandbox.service --show-status=no \
    --log-target=journal
