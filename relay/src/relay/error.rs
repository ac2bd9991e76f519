//! Why a relay does not start: the cause, and what to do about it.

use std::{io, net::SocketAddr, path::PathBuf};

#[cfg(feature = "program")]
use crate::backup::RestoreError;
use crate::{
    blobs::BlobsError,
    identity::IdentityError,
    log::redb::{FORMAT as VERSION, OpenError},
    net::{listen::ListenError, tls::TlsError, web::site::SiteError},
};

/// What to do without the log, which the identity alone does not bring back.
pub(crate) const LOG_REMEDY: &str = "put that file back, or restore a backup (`relay restore FILE --force`). To begin with no \
    rooms under the same pin: move `identity`, `relay.redb` and `clock` away, start and stop the relay once, and move \
    `identity` back over the new one";

/// What to do without the identity.
pub(crate) const IDENTITY_REMEDY: &str = "put the directory `identity` back, or restore a backup (`relay restore FILE --force`); \
    to begin as another relay without these rooms, move `relay.redb` and `clock` away";

/// What to do with the identity of another relay.
pub(crate) const OTHER_REMEDY: &str = "put the directory `identity` back that was there, or restore a backup (`relay restore FILE \
    --force`); if these rooms are to go on under this one, `relay accept-identity` (members need links with its pin)";

/// Why a relay does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No address to listen on.
    #[error("there is no address to listen on; give at least one")]
    NoAddress,
    /// The port is taken.
    #[error("{address} is in use by another program; stop it, or choose another port with --listen")]
    InUse {
        /// The address.
        address: SocketAddr,
    },
    /// Ports below 1024 need a privilege.
    #[error(
        "not permitted to listen on {address}; choose a port above 1023 with --listen, or grant the right \
         (Linux: `setcap cap_net_bind_service=+ep` on the program, or AmbientCapabilities= in a systemd unit)"
    )]
    NotPermitted {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {address}: {source}; use an address of this machine, 0.0.0.0 or [::]")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The TCP port, when it was asked for.
    #[error(
        "cannot listen on TCP {address}, the way for clients that UDP does not reach: {source}; free the port, choose \
         another with --listen, or do without by --tcp=false"
    )]
    Fallback {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A directory that holds no page for browsers.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// There is no home directory to keep data under.
    #[error("no place for data is known on this system; give one with --data-dir")]
    NoDataDir,
    /// The data directory or the database in it.
    #[error("cannot use the data directory {}: {source}; make it readable and writable for this user, or choose another with --data-dir", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file system cannot be written.
    #[error(
        "{} is on a file system that is mounted read-only; mount it writable (`findmnt -T {}` shows where it is), or choose \
         another directory with --data-dir", path.display(), path.display()
    )]
    ReadOnly {
        /// The directory.
        path: PathBuf,
    },
    /// The file system cannot be written, and the log needs that to be read.
    #[error(
        "{} is on a file system that is mounted read-only, and the relay did not end in order: the log has to be repaired before \
         it is read; copy the whole directory to a disk that can be written, and name the copy with --data-dir", path.display()
    )]
    Unrested {
        /// The directory.
        path: PathBuf,
    },
    /// Two relays on one database.
    #[error("another relay is using {}; stop it, or choose another directory with --data-dir", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// A restore was interrupted.
    #[error("a restore into {} was interrupted; run `relay restore FILE --force` again", path.display())]
    Restoring {
        /// The directory.
        path: PathBuf,
    },
    /// No space even to start.
    #[error("the disk of {} is full; free some space, or choose another disk with --data-dir", path.display())]
    DiskFull {
        /// The directory.
        path: PathBuf,
    },
    /// The log is gone, and the identity is not.
    #[error(
        "{} holds the identity of a relay whose log is gone: `relay.redb` is missing or empty; {LOG_REMEDY}", path.display()
    )]
    NoLog {
        /// The directory.
        path: PathBuf,
    },
    /// The journal is missing, or damaged.
    #[error(
        "what was said in the last seconds before the relay ended is in {}, which is missing or damaged; put it back, or go \
         on without these seconds: put an empty file in its place", path.join("relay.journal").display()
    )]
    NoJournal {
        /// The directory.
        path: PathBuf,
    },
    /// The identity is gone, and the rooms are not.
    #[error(
        "{} holds rooms, and the identity that their members' programs trust is gone: `identity/ca.key`. A new one would \
         have another pin, and no client would come back: {IDENTITY_REMEDY}", path.display()
    )]
    NoIdentity {
        /// The directory.
        path: PathBuf,
    },
    /// The identity is another relay's.
    #[error(
        "{} holds the rooms of one relay and the identity of another: no client of theirs would come back to its pin; \
         {OTHER_REMEDY}", path.display()
    )]
    OtherIdentity {
        /// The directory.
        path: PathBuf,
    },
    /// The database is damaged beyond reading.
    #[error("the database in {} is damaged; restore a backup (`relay restore FILE --force`)", path.display())]
    Damaged {
        /// The directory.
        path: PathBuf,
    },
    /// The files of its rooms cannot be kept.
    #[error(
        "the files of rooms in {} cannot be used: {source}; move that folder away, and the relay starts without them (members send them \
         again)",
        path.join("blobs").display()
    )]
    Files {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: BlobsError,
    },
    /// The database is damaged or from another version.
    #[error("{} is no database of this relay's, or a damaged one ({source}); restore a backup (`relay restore FILE --force`)", path.join("relay.redb").display())]
    Database {
        /// The directory.
        path: PathBuf,
        /// What redb says.
        source: Box<redb::Error>,
    },
    /// Certificate or key.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The operator's socket.
    #[cfg(all(feature = "program", unix))]
    #[error("cannot open the socket {} for commands like `relay status`: {source}", path.display())]
    Admin {
        /// The socket.
        path: PathBuf,
        /// Why, with the remedy.
        source: crate::admin::SocketError,
    },
    /// Numbers for everybody.
    #[cfg(feature = "program")]
    #[error(
        "--admin-listen {address} is not a loopback address: it would show the relay's numbers to everybody, \
         unencrypted and without a password; use 127.0.0.1:{}, or name who may ask with --admin-from", address.port()
    )]
    AdminNotLocal {
        /// The address.
        address: SocketAddr,
    },
    /// The port for whoever watches.
    #[cfg(feature = "program")]
    #[error("cannot listen on {address} for --admin-listen: {source}; choose another port")]
    AdminListen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Sockets of the service manager.
    #[error(transparent)]
    Sockets(#[from] crate::net::sockets::SocketsError),
    /// The database is another version's.
    #[error(
        "the log in {} has another format: this version keeps rooms of protocol version 2 alone; move `relay.redb` out \
         of there (its rooms have to be founded anew), or use the version that wrote it",
        path.display()
    )]
    Format {
        /// The data directory.
        path: PathBuf,
    },
    /// The database is an earlier version's, and only looked at.
    #[error(
        "the log in {} has format {format}; start the relay, which makes it one of format {VERSION} and keeps a copy beside it, \
         and ask again",
        path.display()
    )]
    Earlier {
        /// The data directory.
        path: PathBuf,
        /// The format that it has.
        format: u64,
    },
    /// No space to make it one of this version.
    #[error(
        "the log in {} has format {format}, and its disk has no space to make it one of format {VERSION} and to keep a copy beside \
         it: free {mib} MiB there, and start again. Nothing is lost: the log is as it was",
        path.display()
    )]
    NoRoom {
        /// The data directory.
        path: PathBuf,
        /// The format that it has.
        format: u64,
        /// What its files have.
        mib: u64,
    },
    /// The operating system gives no more threads.
    #[error("cannot start a thread: {0}; raise the limit of processes for this user")]
    Thread(#[source] io::Error),
}

impl From<ListenError> for StartError {
    fn from(error: ListenError) -> Self {
        match error {
            ListenError::Quic { address, source } => match source.kind() {
                io::ErrorKind::AddrInUse => Self::InUse { address },
                io::ErrorKind::PermissionDenied => Self::NotPermitted { address },
                _ => Self::Bind { address, source },
            },
            ListenError::Fallback { address, source } => Self::Fallback { address, source },
        }
    }
}

impl StartError {
    /// The error for a data directory that could not be used.
    pub(crate) fn data(path: PathBuf, source: OpenError) -> Self {
        match source {
            OpenError::Locked => Self::Locked { path },
            OpenError::Restoring => Self::Restoring { path },
            OpenError::Format => Self::Format { path },
            OpenError::Earlier(format) => Self::Earlier { path, format },
            OpenError::NoRoom { format, mib } => Self::NoRoom { path, format, mib },
            OpenError::Lost => Self::NoLog { path },
            OpenError::Journal => Self::NoJournal { path },
            OpenError::Unrested => Self::Unrested { path },
            OpenError::Damaged => Self::Damaged { path },
            OpenError::Io(source) => Self::io(path, source),
            OpenError::Database(source) => Self::Database { path, source },
            OpenError::Thread(source) => Self::Thread(source),
        }
    }

    /// The same for files.
    pub(crate) fn files(path: PathBuf, source: BlobsError) -> Self {
        match source {
            BlobsError::Io { source, .. } => Self::io(path, source),
            BlobsError::Thread(source) => Self::Thread(source),
            source @ BlobsError::Index(_) => Self::Files { path, source },
        }
    }

    /// The same for a plain I/O error.
    pub(crate) fn io(path: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            _ => Self::DataDir { path, source },
        }
    }

    /// The exit code of the program for any error of its commands; 1 for those that have none of their own.
    #[cfg(feature = "program")]
    pub fn exit_code_of(error: &anyhow::Error) -> u8 {
        let restoring = error.downcast_ref::<RestoreError>().map(|error| match error {
            RestoreError::Occupied(_) | RestoreError::Running(_) => 4,
            _ => 1,
        });
        error.downcast_ref().map(Self::exit_code).or(restoring).unwrap_or(1)
    }

    /// The exit code of a program that fails with this: 2 usage, 3 network, 4 data, 5 certificate.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoAddress | Self::NoDataDir => 2,
            #[cfg(feature = "program")]
            Self::AdminNotLocal { .. } => 2,
            #[cfg(feature = "program")]
            Self::AdminListen { .. } => 3,
            Self::Sockets(_)
            | Self::InUse { .. }
            | Self::NotPermitted { .. }
            | Self::Bind { .. }
            | Self::Fallback { .. } => 3,
            Self::DataDir { .. }
            | Self::ReadOnly { .. }
            | Self::Unrested { .. }
            | Self::Locked { .. }
            | Self::Restoring { .. }
            | Self::Format { .. }
            | Self::Earlier { .. }
            | Self::NoRoom { .. }
            | Self::DiskFull { .. }
            | Self::Database { .. }
            | Self::NoLog { .. }
            | Self::NoJournal { .. }
            | Self::NoIdentity { .. }
            | Self::OtherIdentity { .. }
            | Self::Files { .. }
            | Self::Site(_)
            | Self::Damaged { .. } => 4,
            Self::Identity(_) | Self::Tls(_) => 5,
            Self::Thread(_) => 1,
            #[cfg(all(feature = "program", unix))]
            Self::Admin { .. } => 4,
        }
    }
}
