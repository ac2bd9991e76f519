//! The program as a service: told what to do by signals, the operator and the service manager.

mod notify;
mod run;
mod settings;

pub use self::run::run;
