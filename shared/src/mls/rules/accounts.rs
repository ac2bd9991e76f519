//! Accounts whose key was replaced. The new leaf shows the change for as long as it is in the room, so everybody knows by the
//! group's state alone which account is not to be used any more, and who took its place.

use std::collections::BTreeMap;

use mls_rs_core::group::Member;

use super::{Commit, Violation, account};
use crate::{
    content,
    identity::{Fingerprint, KeyChange, Next, credential::Account},
};

/// Which account took the place of which, by what leaves show.
#[derive(Default)]
pub(super) struct Heirs(BTreeMap<Fingerprint, Account>);

impl Heirs {
    /// Of these accounts.
    pub(super) fn of(accounts: impl Iterator<Item = Account>) -> Self {
        Self(accounts.filter_map(|account| Some((account.replaces?, account))).collect())
    }

    /// The account that took the place of this one.
    pub(super) fn get(&self, old: &Fingerprint) -> Option<&Account> {
        self.0.get(old)
    }
}

/// Whether the account of the leaf `entrant`, which is new in the room, goes together with all others: it was not replaced,
/// nobody else replaced what it did, and it names the same recovery key wherever it is.
pub(super) fn check_entrant(members: impl Iterator<Item = Member>, entrant: u32) -> Result<(), Violation> {
    let (mut ours, mut others) = (None, Vec::new());
    for member in members {
        let account = account(&member)?;
        if member.index == entrant {
            ours = Some(account);
        } else {
            others.push(account);
        }
    }
    check_among(&ours.ok_or(Violation::Leaf)?, &others)
}

/// The same of an account among others.
pub(super) fn check_among(ours: &Account, others: &[Account]) -> Result<(), Violation> {
    for other in others {
        let same_key = ours.key == other.key;
        if same_key && ours.fingerprint != other.fingerprint {
            return Err(Violation::OtherRecovery);
        }
        let both = ours.replaces.is_some() && ours.replaces == other.replaces;
        if other.replaces == Some(ours.fingerprint) || (both && ours.fingerprint != other.fingerprint) {
            return Err(Violation::ReplacedKey);
        }
    }
    Ok(())
}

/// The account that the committer has after its commit. Whoever the commit removed does not see the leaf, so the note says
/// it as well, when it is another one than before.
pub(super) fn after<C: mls_rs::client_builder::MlsConfig>(
    commit: &Commit<'_, C>,
    before: &Account,
) -> Result<Account, Violation> {
    let noted = commit.note.account.as_ref().map(|noted| read(noted).ok_or(Violation::Note)).transpose()?;
    if noted.is_some_and(|noted| noted.replaces != Some(before.fingerprint)) {
        return Err(Violation::Note);
    }
    let Some(after) = commit.after else { return Ok(noted.unwrap_or(*before)) };
    let member = after.member_at_index(commit.committer).ok_or(Violation::Leaf)?;
    let seen = account(&member)?;
    match seen.fingerprint == before.fingerprint {
        true if noted.is_none() => Ok(seen),
        false if noted == Some(seen) => Ok(seen),
        _ => Err(Violation::Note),
    }
}

/// None when it does not prove itself.
fn read(noted: &content::NewAccount) -> Option<Account> {
    let key = (&*noted.account_key).try_into().ok()?;
    let next = Next((&*noted.next).try_into().ok()?);
    let change = KeyChange::try_from(noted.change.as_ref()?).ok()?;
    let fingerprint = Fingerprint::of(&key, &next);
    change.gives(&key, &next).then(|| Account { key, fingerprint, replaces: Some(change.old()) })
}
