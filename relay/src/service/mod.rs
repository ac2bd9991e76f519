//! The program as a service: told what to do by signals, the operator and the service manager.

mod notify;
mod run;
mod settings;
mod sockets;

pub(crate) use self::sockets::Handed;
pub use self::{
    run::run,
    settings::{Change, Report},
    sockets::{Sockets, SocketsError},
};
