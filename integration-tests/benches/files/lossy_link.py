"""A link between two network namespaces that delays and loses packets, whatever they carry.

    lossy_link.py NAMESPACE NAMESPACE DELAY_MS LOSS_PERCENT

The first has 10.213.9.1, the second 10.213.9.2. Says "ready", and then obeys lines on its standard input: "udp off", "udp on".
Ends, with both namespaces, when that is closed. Needs root, iproute2 and /dev/net/tun.
"""

import collections
import fcntl
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
UDP = 17


def ip(*arguments, check=True):
    subprocess.run(["ip", *arguments], check=check, stderr=None if check else subprocess.DEVNULL)


def lay(namespace, device, own, other):
    """A namespace whose only way out is the device; what is written there is read from the returned descriptor."""
    ip("netns", "del", namespace, check=False)
    ip("netns", "add", namespace)
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    ip("link", "set", device, "netns", namespace)
    ip("-n", namespace, "addr", "add", own, "peer", other, "dev", device)
    ip("-n", namespace, "link", "set", device, "txqueuelen", "10000", "up")
    ip("-n", namespace, "link", "set", "lo", "up")
    return tun


def run(ends, delay, loss):
    under_way = {end: collections.deque() for end in ends}
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    udp = True
    print("ready", flush=True)
    while True:
        due = [queue[0][0] for queue in under_way.values() if queue]
        wait = max(0, min(due) - time.monotonic()) if due else None
        readable, _, _ = select.select([*ends, sys.stdin], [], [], wait)
        now = time.monotonic()
        if sys.stdin in readable:
            line = os.read(0, 100).decode()
            if not line:
                return
            udp = "udp off" not in line
        for end in ends:
            if end in readable:
                for _ in range(64):
                    try:
                        packet = os.read(end, 65536)
                    except BlockingIOError:
                        break
                    if (udp or packet[9] != UDP) and random.random() >= loss:
                        under_way[end].append((now + delay, packet))
            queue = under_way[end]
            while queue and queue[0][0] <= now:
                try:
                    os.write(other[end], queue.popleft()[1])
                except OSError:
                    pass  # Its queue is full: one more that is lost.


def main():
    first, second, delay, loss = sys.argv[1:]
    ends = [
        lay(first, "schatlossya", "10.213.9.1", "10.213.9.2"),
        lay(second, "schatlossyb", "10.213.9.2", "10.213.9.1"),
    ]
    try:
        run(ends, float(delay) / 1000, float(loss) / 100)
    finally:
        for namespace in (first, second):
            ip("netns", "del", namespace, check=False)


main()
