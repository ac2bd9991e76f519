//! What lies where, and the texts: those of the packages, but for the program's path.

/// Name of service and user.
pub(super) const NAME: &str = "schat-relay";

/// The service.
pub(super) const SERVICE: &str = "schat-relay.service";

/// The socket that can start it.
pub(super) const SOCKET: &str = "schat-relay.socket";

/// The program's place: a path that no package uses.
pub(super) const BINARY: &str = "/usr/local/bin/relay";

/// The service's unit. The administrator's directory, because it is no package's.
pub(super) const SERVICE_PATH: &str = "/etc/systemd/system/schat-relay.service";

/// The unit of a package.
pub(super) const PACKAGED_UNIT: &str = "/usr/lib/systemd/system/schat-relay.service";

/// The settings' directory.
pub(super) const CONFIG_DIR: &str = "/etc/schat-relay";

/// The settings.
pub(super) const CONFIG: &str = "/etc/schat-relay/relay.toml";

/// Manual pages that are no package's.
pub(super) const MANUAL: &str = "/usr/local/share/man/man1";

/// Where the service keeps its data.
pub const DATA_DIR: &str = "/var/lib/schat-relay";

/// The program's place in the texts, which is that of a package.
const PACKAGED_BINARY: &str = "/usr/bin/relay";

const SERVICE_TEXT: &str = include_str!("../../../packaging/systemd/schat-relay.service");
const SOCKET_TEXT: &str = include_str!("../../../packaging/systemd/schat-relay.socket");
const USER_TEXT: &str = include_str!("../../../packaging/systemd/schat-relay.sysusers");

/// Path and text of each file that is the same everywhere. The service is the last: where it is, all of it is.
pub(super) fn texts() -> [(&'static str, String); 3] {
    [
        ("/etc/sysusers.d/schat-relay.conf", USER_TEXT.to_owned()),
        ("/etc/systemd/system/schat-relay.socket", SOCKET_TEXT.to_owned()),
        (SERVICE_PATH, SERVICE_TEXT.replace(PACKAGED_BINARY, BINARY)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unit_that_names_other_places_is_found() {
        for line in [
            "ExecStart=/usr/local/bin/relay --config /etc/schat-relay/relay.toml",
            "User=schat-relay",
            "StateDirectory=schat-relay",
        ] {
            assert!(texts()[2].1.lines().any(|there| there == line), "{line}");
        }
        assert_eq!(DATA_DIR, format!("/var/lib/{NAME}"));
        assert!(USER_TEXT.contains(&format!("u {NAME} ")) && USER_TEXT.contains(DATA_DIR));
    }
}
