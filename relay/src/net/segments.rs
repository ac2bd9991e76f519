//! How many datagrams are put together before they are given to the system.
//!
//! A connection keeps a buffer for as many as it may put together, from its handshake on, for as long as it lives: ten take 13 KiB,
//! a fifth of what an idle member costs. So there are few as long as few is what is sent, and all while most of what is sent
//! could have been more, as in a busy room or with a file.

use std::{
    io::{self, IoSliceMut},
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

use quinn::{
    AsyncUdpSocket, UdpPoller,
    udp::{RecvMeta, Transmit},
};

/// Datagrams that are put together where there is little to send.
const FEW: usize = 2;

/// How many more calls must have had that many than had fewer before there may be more.
const BUSY: u32 = 32;

/// How far that count goes, so that it is soon over when the work is.
const MOST: u32 = 64;

/// A socket that lets connections put few datagrams together, or all that the system takes.
#[derive(Debug)]
pub(crate) struct Segmenting {
    inner: Arc<dyn AsyncUdpSocket>,
    /// Calls with at least [`FEW`] datagrams, less those with fewer. An estimate: two that count at once may count as one.
    full: AtomicU32,
}

impl Segmenting {
    /// On this socket.
    pub(crate) fn new(inner: Arc<dyn AsyncUdpSocket>) -> Self {
        Self { inner, full: AtomicU32::new(0) }
    }

    fn count(&self, transmit: &Transmit<'_>) {
        let datagrams = transmit.segment_size.map_or(1, |size| transmit.contents.len().div_ceil(size.max(1)));
        let full = self.full.load(Ordering::Relaxed);
        let counted = if datagrams >= FEW { (full + 1).min(MOST) } else { full.saturating_sub(1) };
        // Where nothing changes, nothing is taken away from the other processors.
        if counted != full {
            self.full.store(counted, Ordering::Relaxed);
        }
    }
}

impl AsyncUdpSocket for Segmenting {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.inner.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.count(transmit);
        self.inner.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.inner.poll_recv(cx, bufs, meta)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        let all = self.inner.max_transmit_segments();
        if self.full.load(Ordering::Relaxed) >= BUSY { all } else { all.min(FEW) }
    }

    fn max_receive_segments(&self) -> usize {
        self.inner.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}

#[cfg(test)]
mod tests {
    use quinn::Runtime as _;

    use super::*;

    #[tokio::test]
    async fn there_are_few_until_much_is_sent_and_again_when_it_is_over() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let inner = quinn::TokioRuntime.wrap_udp_socket(socket).unwrap();
        let all = inner.max_transmit_segments();
        let socket = Segmenting::new(inner);
        let send = |datagrams: usize, times: u32| {
            let contents = vec![0; 100 * datagrams];
            let destination = socket.local_addr().unwrap();
            for _ in 0..times {
                let segment_size = Some(100);
                let transmit =
                    Transmit { destination, ecn: None, contents: &contents, segment_size, src_ip: None };
                socket.count(&transmit);
            }
        };
        assert_eq!(socket.max_transmit_segments(), FEW.min(all));
        send(FEW, BUSY - 1);
        assert_eq!(socket.max_transmit_segments(), FEW.min(all), "a handshake is not much");
        send(10, 1_000);
        assert_eq!(socket.max_transmit_segments(), all);
        send(1, MOST - BUSY);
        assert_eq!(socket.max_transmit_segments(), all);
        send(1, 1);
        assert_eq!(socket.max_transmit_segments(), FEW.min(all));
        send(1, 1_000);
        assert_eq!(socket.max_transmit_segments(), FEW.min(all));
    }
}
