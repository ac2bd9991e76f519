//! Sockets to listen on.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, SockRef, Socket, Type};

use crate::policy::limits::{SOCKET_BUFFER, TCP_BACKLOG, TCP_SEND_BUFFER};

/// A socket of this kind on this address; TCP listens already. "Everywhere" means IPv6 and IPv4 in one socket,
/// however it was spelled, where the machine can.
pub(crate) fn bind(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    if !address.ip().is_unspecified() {
        return bind_one(address, kind);
    }
    let port = address.port();
    match bind_one((Ipv6Addr::UNSPECIFIED, port).into(), kind) {
        // These two will not be better on IPv4, and are what the user has to hear.
        Err(error) if !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied) => {
            bind_one((Ipv4Addr::UNSPECIFIED, port).into(), kind)
        }
        result => result,
    }
}

/// Asks for large buffers, and takes what the system gives, which it does not have to tell.
pub(crate) fn enlarge(socket: &SockRef<'_>) {
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
}

fn bind_one(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, None)?;
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        // Off by default on some systems, on by default on others.
        socket.set_only_v6(false)?;
    }
    let listens = kind == Type::STREAM;
    if listens {
        // Connections of a former life, which the system remembers for minutes, are no reason not to start.
        // (On Windows this would let two programs have the port.)
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.set_send_buffer_size(TCP_SEND_BUFFER)?;
    }
    if kind == Type::DGRAM {
        enlarge(&SockRef::from(&socket));
    }
    socket.bind(&address.into())?;
    if listens {
        socket.listen(TCP_BACKLOG)?;
        socket.set_nonblocking(true)?;
    }
    Ok(socket)
}
