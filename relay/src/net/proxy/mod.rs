//! Behind a proxy: who a client is says the proxy, in a header before what the client sent (PROXY protocol, version 2,
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>). Believed from named addresses alone: whoever else sends such
//! a header has sent something that is neither TLS nor QUIC.

mod header;
mod routes;
mod tcp;
mod udp;

pub(crate) use self::{tcp::client_of, udp::Unwrapping};
