//! Of relays, and the way there.

use jiff::Timestamp;
use proto::CloseCode;
use shared::invite::link::RelayUrl;

use crate::{
    reason::{RelayReason, Unasked},
    transport::{AddressError, DialError, Ended, Refusal, RelayAddress},
};

/// When there is nothing to do.
const AGAIN: &str = "It is tried again by itself.";

const NEW_LINK: &str = "Ask for a new link.";

/// What happened, and what to do.
pub(super) fn words(reason: &RelayReason) -> (String, String) {
    let (message, remedy) = match reason {
        RelayReason::Dial(error) => return dial(error),
        RelayReason::Ended { relay, how } => {
            let (why, remedy) = ended(*how);
            (format!("The relay {relay} {why}."), remedy)
        }
        RelayReason::Address(error) => (address(*error).to_owned(), NEW_LINK),
        RelayReason::Link(error) => (error.clone(), NEW_LINK),
        RelayReason::Unasked { relay, why } => {
            let why = unasked(why);
            (
                format!("The relay {relay} cannot be asked which room the link leads to: {why}."),
                "Try the link again when the relay is there.",
            )
        }
        RelayReason::KnownByFirstUse(relay) => (
            format!(
                "The link says that public authorities vouch for the relay {relay}, but this profile knows it by what it saw first."
            ),
            "Somebody may sit between you and the relay. Ask for a link that carries its pin, over a channel you trust.",
        ),
        RelayReason::Nowhere => (
            "There is no relay to ask.".to_owned(),
            "Name one with --relay HOST:PORT, join by an invite link, or run `schat host`.",
        ),
        RelayReason::OwnIsDown => {
            ("This room lives in your own relay, which does not run.".to_owned(), "Run `schat host`.")
        }
    };
    (message, remedy.to_owned())
}

/// What is wrong with an address.
pub fn address(error: AddressError) -> &'static str {
    match error {
        AddressError::Host => "the relay's address has no valid host name",
        AddressError::Port => "the relay's port must be a number from 1 to 65535",
    }
}

fn unasked(why: &Unasked) -> String {
    let fixed = match why {
        Unasked::Silent => "it does not answer",
        Unasked::Closed => "the relay closed the stream",
        Unasked::Lost => "the connection is lost",
        Unasked::Malformed(why) => return format!("the relay sent what is not a frame: {why}"),
        Unasked::Stuck => "the relay takes nothing any more",
    };
    fixed.to_owned()
}

/// What became of a connection, as the rest of a sentence that begins with the relay, and the remedy.
fn ended(how: Ended) -> (&'static str, &'static str) {
    match how {
        Ended::Told(code) => closed(code),
        Ended::Ours => ("is dialled anew: the network or its link's pin has changed", AGAIN),
        Ended::Silent => ("does not answer any more", AGAIN),
        Ended::Lost => ("is not reachable any more", AGAIN),
    }
}

/// What the relay does. Codes of a later version are told like none at all.
fn closed(code: Option<CloseCode>) -> (&'static str, &'static str) {
    match code {
        Some(CloseCode::ShuttingDown) => ("is restarting", AGAIN),
        Some(CloseCode::TimedOut) => (
            "closed the connection, because no room was joined on it in time",
            "It is tried again by itself; if it goes on, the network is too slow or loses too much.",
        ),
        Some(CloseCode::TooMany) => (
            "closed the connection, because rooms were joined on it too often",
            "It is tried again by itself; if it goes on, the relay's operator can raise --joins-per-connection.",
        ),
        Some(CloseCode::RefusedJoins) => (
            "closed the connection, because too many rooms were asked for on it that do not exist or do not let you in",
            "It is tried again by itself, and rooms that were not opened yet are opened then. If this happens at each start, leave the rooms that are over.",
        ),
        Some(CloseCode::Malformed | CloseCode::TooLarge) => (
            "closed the connection, because it does not understand this program",
            "Update Schat, or the relay.",
        ),
        Some(CloseCode::Done | CloseCode::Superseded | CloseCode::NotAllowed) | None => {
            ("closed the connection", AGAIN)
        }
    }
}

fn dial(error: &DialError) -> (String, String) {
    let (message, remedy) = match error {
        DialError::Name(host) => {
            (format!("the host name {host} is not known"), "Check the name, and that this machine is online.")
        }
        DialError::Silent(relay) => (
            format!("no relay answers at {relay}"),
            "Check the address and the port, that the relay runs, and that UDP or TCP gets through the firewall.",
        ),
        DialError::Elsewhere { address, refusal } => (
            format!(
                "no relay answers at {address} by UDP, and over TCP something else does: {}",
                self::refusal(*refusal, None)
            ),
            "The relay may be down, and is tried again. If it is not: UDP is blocked, and what has its TCP port is a web server, or somebody between you and the relay.",
        ),
        DialError::Protocol(relay) => (
            format!("{relay} is not a Schat relay, or of another version"),
            "Check the port, or update Schat.",
        ),
        DialError::Other(relay) => {
            (format!("the connection to {relay} failed"), "It is tried again; check the network.")
        }
        // A relay that takes no connection says nothing else: it does not know yet whom it would tell.
        DialError::Refused(relay) => (
            format!("the relay at {relay} refuses the connection"),
            "It stops just now, or has as many connections as it takes, in all or from your network: close other \
             clients there, or try again later. Its operator can raise --max-connections and \
             --max-connections-per-address.",
        ),
        // Over TCP it cannot even say that: any word would first need TLS.
        DialError::HungUp(relay) => (
            format!("no relay answers at {relay} by UDP, and over TCP it hangs up at once"),
            "It is tried again. A relay hangs up when it stops, or has as many connections as it takes, in all or from your \
             network: close other clients there. If it goes on, something on the way keeps TLS out: try \
             another network.",
        ),
        DialError::Certificate { refusal, address } => {
            let message = self::refusal(*refusal, Some(address));
            return (message, certificate(*refusal, address));
        }
    };
    (message, remedy.to_owned())
}

/// Why a certificate is not trusted. Without an address that of the relay was told before.
fn refusal(refusal: Refusal, address: Option<&RelayAddress>) -> String {
    let relay = address.map_or_else(|| "the relay".to_owned(), |address| format!("the relay {address}"));
    let certificate = format!("the certificate of {relay}");
    match refusal {
        Refusal::Pin => format!("{certificate} is not the one that the link names"),
        Refusal::CaFile => format!("the file given with --ca does not vouch for {certificate}"),
        Refusal::Authorities => format!(
            "no authority vouches for {certificate}, and one must: it was so before, or the link says so by carrying no \
             pin"
        ),
        Refusal::Changed => format!("{certificate} has changed since it was first seen"),
        Refusal::FirstUse(pin) => format!(
            "{relay} is seen for the first time, and nobody vouches for its certificate: its fingerprint is {pin}"
        ),
        Refusal::NoAuthority => {
            format!("nobody vouches for {certificate}, and it shows no authority of its own")
        }
        Refusal::NotYet { now } => {
            format!("{certificate} is not valid yet by this clock (it says {})", clock(now))
        }
        Refusal::Expired { now } => {
            format!("{certificate} has expired by this clock (it says {})", clock(now))
        }
        Refusal::Unreadable => format!("{certificate} cannot be read"),
    }
}

/// What to do about a certificate.
fn certificate(refusal: Refusal, address: &RelayAddress) -> String {
    let fixed = match refusal {
        Refusal::Pin => {
            "Somebody may sit between you and the relay. Ask the person who sent the link for a new one, over a channel that you trust."
        }
        Refusal::CaFile => "Check the file, and the name under which you reach the relay.",
        Refusal::Authorities => {
            "Somebody may sit between you and the relay. If a file given with --ca vouched for it, give it again. Else ask its operator for a link, over a channel you trust."
        }
        Refusal::Changed => {
            "Somebody may sit between you and the relay. Ask its operator; if the change is real, join again with a new invite link."
        }
        Refusal::FirstUse(pin) => {
            let link = RelayUrl {
                host: address.host.clone(),
                port: address.port,
                pin: *pin.as_bytes(),
                token: None,
            };
            return format!(
                "Compare the fingerprint with what its operator says. If it is the same, give this link, here or to /join: {link} In scripts, --trust-first-use trusts what is seen first, without a check."
            );
        }
        Refusal::NoAuthority => "Check that this is a Schat relay; if it is, ask its operator for a link.",
        Refusal::NotYet { .. } | Refusal::Expired { .. } => {
            "Check the clock of this machine; it goes on by itself when that is right. If it is right, tell the relay's operator."
        }
        Refusal::Unreadable => "Check that this is a Schat relay.",
    };
    fixed.to_owned()
}

/// A time for people. Not their local time: the zone may be what is wrong.
fn clock(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    match time {
        Some(time) => format!("{} UTC", time.strftime("%Y-%m-%d %H:%M")),
        None => "a time beyond all calendars".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_close_of_a_limit_is_left_unexplained() {
        for code in [CloseCode::TimedOut, CloseCode::TooMany, CloseCode::RefusedJoins] {
            let (why, remedy) = closed(Some(code));
            assert!(why.contains("because") && remedy.len() > AGAIN.len(), "{code:?}");
        }
        assert_eq!(closed(CloseCode::from_value(7777)), closed(None));
    }

    #[test]
    fn refusal_by_the_clock_says_what_the_clock_says() {
        let address = RelayAddress::new("relay.example", 4443).unwrap();
        let certificate = DialError::Certificate { refusal: Refusal::NotYet { now: 1_000_000_000 }, address };
        assert_eq!(
            dial(&certificate).0,
            "the certificate of the relay relay.example:4443 is not valid yet by this clock (it says 2001-09-09 01:46 UTC)"
        );
        let said = refusal(Refusal::Expired { now: u64::MAX }, None);
        assert!(said.contains("expired by this clock"), "{said}");
    }

    #[test]
    fn clock_that_is_wrong_by_ages_is_told_all_the_same() {
        assert_eq!(clock(0), "1970-01-01 00:00 UTC");
        assert_eq!(clock(u64::MAX), "a time beyond all calendars");
    }
}
