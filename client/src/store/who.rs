//! A person as it is stored: the name of then, and the fingerprint.

use shared::{identity::Fingerprint, room::Person};

pub(super) type Who = (String, [u8; 32]);

pub(super) fn who(person: Person) -> Who {
    (person.name, person.fingerprint.0)
}

pub(super) fn person((name, fingerprint): Who) -> Person {
    Person { name, fingerprint: Fingerprint(fingerprint) }
}
