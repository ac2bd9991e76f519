//! Over UDP: the header is in front of each datagram. Of one alone would not do: what a client sends after that would be looked at
//! for a header, and it could write one itself. What goes back is sent to the socket that it came from, without a header.

use std::{
    io::{self, IoSliceMut},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use quinn::{
    AsyncUdpSocket, UdpPoller,
    udp::{RecvMeta, Transmit},
};

use super::{
    header::{self, ProxyHeader},
    routes::Routes,
};
use crate::net::networks::Networks;

/// A socket behind which QUIC sees clients instead of proxies. Only where there are proxies: it takes a lock for each batch that
/// comes and each that goes.
#[derive(Debug)]
pub(crate) struct Unwrapping {
    inner: Arc<dyn AsyncUdpSocket>,
    proxies: Networks,
    routes: Mutex<Routes>,
}

impl Unwrapping {
    /// On this socket.
    pub(crate) fn new(inner: Arc<dyn AsyncUdpSocket>, proxies: Networks) -> Self {
        Self { inner, proxies, routes: Mutex::default() }
    }
}

impl AsyncUdpSocket for Unwrapping {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.inner.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let proxy = routes.proxy(transmit.destination);
        drop(routes);
        let Some(destination) = proxy else { return self.inner.try_send(transmit) };
        let &Transmit { ecn, contents, segment_size, src_ip, .. } = transmit;
        self.inner.try_send(&Transmit { destination, ecn, contents, segment_size, src_ip })
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.inner.poll_recv(cx, bufs, meta);
        if let Poll::Ready(Ok(count)) = received {
            let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
            for (buf, meta) in bufs.iter_mut().zip(meta.iter_mut()).take(count) {
                match self.proxies.have(meta.addr.ip()) {
                    true => unwrap(&mut routes, buf, meta),
                    // It is not behind a proxy, or not any more.
                    false => routes.forget(meta.addr),
                }
            }
        }
        received
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.inner.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.inner.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}

/// Takes the header off what a proxy sent, which may be several datagrams of one length side by side. What is nobody's is left
/// out: its length is none.
fn unwrap(routes: &mut Routes, buf: &mut [u8], meta: &mut RecvMeta) {
    let (proxy, end) = (meta.addr, meta.len.min(buf.len()));
    let first = buf.get(..end.min(meta.stride)).unwrap_or_default();
    let ProxyHeader::Header { client: Some(client), length } = header::read(first) else {
        meta.len = 0;
        return;
    };
    routes.learn(client, proxy);
    meta.addr = client;
    let head = buf.get(..length).unwrap_or_default().to_vec();
    let (mut from, mut to) = (0, 0);
    // One that has no header, or another one, ends it: it is lost, and comes again as everything that is.
    while from < end && buf.get(from..end).is_some_and(|rest| rest.starts_with(&head)) {
        let next = from.saturating_add(meta.stride).min(end);
        buf.copy_within(from + length..next, to);
        to += next - from - length;
        from = next;
    }
    meta.len = to;
    meta.stride = meta.stride.saturating_sub(length).max(1);
}

#[cfg(test)]
mod tests {
    use super::{super::header::tests::header, *};

    const PROXY: ([u8; 4], u16) = ([10, 0, 0, 1], 9);

    fn came(bytes: &[u8], stride: usize) -> (Vec<u8>, RecvMeta) {
        let mut meta = RecvMeta::default();
        (meta.addr, meta.len, meta.stride) = (PROXY.into(), bytes.len(), stride);
        (bytes.to_vec(), meta)
    }

    #[test]
    fn datagrams_side_by_side_lose_a_header_each() {
        let client: SocketAddr = "203.0.113.7:4000".parse().unwrap();
        let head = header(client);
        let all = [&head[..], b"first!", &head, b"second", &head, b"end"].concat();
        let (mut buf, mut meta) = came(&all, head.len() + 6);
        let mut routes = Routes::default();
        unwrap(&mut routes, &mut buf, &mut meta);
        assert_eq!((&buf[..meta.len], meta.stride, meta.addr), (&b"first!secondend"[..], 6, client));
        assert_eq!(routes.proxy(client), Some(PROXY.into()));
        // The next one needs a header as well, or a client could write it.
        let (mut buf, mut meta) = came(b"third", 5);
        unwrap(&mut routes, &mut buf, &mut meta);
        assert_eq!(meta.len, 0);
    }

    #[test]
    fn what_is_for_nobody_is_left_out() {
        let client: SocketAddr = "203.0.113.7:4000".parse().unwrap();
        for bytes in [&b"no header, and none before"[..], &header(client)[..20], b""] {
            let (mut buf, mut meta) = came(bytes, bytes.len());
            unwrap(&mut Routes::default(), &mut buf, &mut meta);
            assert_eq!(meta.len, 0);
        }
        // A header, and nothing behind it.
        let (mut buf, mut meta) = came(&header(client), header(client).len());
        unwrap(&mut Routes::default(), &mut buf, &mut meta);
        assert_eq!(meta.len, 0);
    }
}
