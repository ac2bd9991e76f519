//! What the relay obeys: signatures by an epoch's authority, which it checks without understanding anything else.

use proto::{
    PublicKey,
    access::{Change, CommitName, CommitParts, Ed25519, ack_statement, ballot_statement, commit_statement},
    relay::{Ack, Ballot, CommitPart, Deliver},
    slot_hash,
};

use super::{Alarm, Engine, kinship::part_of, ledger::Booked};
use crate::{
    identity::verifies,
    mls::group::{Authority, GroupError},
};

/// Who signs a commit part.
pub(super) enum Signer<'a> {
    /// The authority of the epoch that it ends.
    Authority(&'a Authority),
    /// The key that publishes it: a join's or a return's.
    Publisher(&'a crate::invite::AccessSecret),
}

impl Engine {
    /// Signs a commit part that `key` is to publish.
    pub(super) fn sign_part(
        &self,
        key: PublicKey,
        envelope: &[u8],
        part: &mut CommitPart,
        signer: &Signer<'_>,
    ) -> Result<(), GroupError> {
        let access = part.access.clone().unwrap_or_default();
        let change = Change::try_from(&access).map_err(|_| GroupError::Unexpected)?;
        let authority = PublicKey::try_from(&*part.authority).map_err(|_| GroupError::Unexpected)?;
        let parts = CommitParts::of(envelope, slot_hash(&part.slot, &part.piece_names), &change);
        let statement = commit_statement(&self.room, part.expected_last_commit, &key, &authority, &parts);
        part.signature = match signer {
            Signer::Authority(authority) => authority.sign(&statement),
            Signer::Publisher(secret) => secret.sign_statement(&statement),
        }
        .to_vec()
        .into();
        Ok(())
    }

    /// Says to the relay that we have taken the newest commit, where it waits for that and our word counts.
    pub(super) fn ack(&self) -> Option<Ack> {
        let group = self.group.as_ref().filter(|_| self.owes_ack())?;
        let seq = self.books.position;
        let name = self.books.tip_name(seq)?;
        let statement = ack_statement(&self.room, seq, &name, &self.access.public());
        let signature = group.authority().ok()?.sign(&statement).to_vec().into();
        let key_signature = self.access.sign_statement(&statement).to_vec().into();
        Some(Ack { seq, signature, key_signature })
    }

    /// Whether the entry acknowledges the commit of this name at `seq`, whose authority this is: signed by both, since
    /// every member of its epoch has the authority. Whose word counts is another question.
    pub(super) fn acknowledges(
        &self,
        entry: &Deliver,
        seq: u64,
        name: &CommitName,
        authority: &[u8],
    ) -> bool {
        let Some(ack) = entry.ack.as_ref().filter(|ack| ack.seq == seq) else { return false };
        let Ok(key) = PublicKey::try_from(&*entry.key) else { return false };
        let statement = ack_statement(&self.room, seq, name, &key);
        verifies(authority, &statement, &ack.signature) && verifies(&key.0, &statement, &ack.key_signature)
    }

    /// Our vote against the commit at `seq`, of the step of this name.
    pub(super) fn ballot(&self, seq: u64, step: &CommitName) -> Option<Ballot> {
        let generation = self.meta.generation.as_slice().try_into().ok()?;
        let statement = ballot_statement(&self.room, &generation, seq, step);
        let signature = self.access.sign_statement(&statement).to_vec().into();
        Some(Ballot { seq, step: step.0.to_vec().into(), signature })
    }

    /// Whether a commit on what this device has taken is of somebody who may make one: the ledger, where it is open, does not
    /// refuse it, and who has to sign it has. People are told otherwise.
    pub(super) fn check_signature(&mut self, entry: &Deliver, booked: Booked) -> bool {
        let is_signed = self.is_signed(entry);
        if !is_signed && booked != Booked::Refused {
            self.alarm(Alarm::FalseCommit { entry: entry.seq });
            // What the relay says of authorities is not what the group says.
            self.ledger.close();
        }
        is_signed && booked != Booked::Refused
    }

    /// The same of a commit on one that this device could not take. Which keys that one brought it cannot know, so that the ledger's
    /// word has to do. Where that is closed, who lets somebody in by a key of which nothing is known proves nothing, nor does what is
    /// built on that.
    pub(super) fn check_signature_beyond(&mut self, entry: &Deliver, booked: Booked) -> bool {
        match booked {
            Booked::Allowed { .. } => true,
            Booked::Unknown
                if !self.is_signed(entry)
                    && (self.enters(entry) || self.authority_at(entry.base).is_none()) =>
            {
                false
            }
            Booked::Unknown | Booked::Refused => self.check_signature(entry, booked),
        }
    }

    /// By the authority of the epoch that it ends, which nobody has who is not in it, or by a key that lets somebody in.
    fn is_signed(&self, entry: &Deliver) -> bool {
        let Some((key, commit)) = part_of(entry) else { return false };
        let by = |authority: PublicKey| commit.is_signed(&Ed25519, (&self.room, &key), &authority);
        self.authority_at(entry.base).is_some_and(by) || (self.is_known_at(entry) && self.enters(entry))
    }

    /// Who signs what is built there, as far as this device knows: on what it has taken last, or on what it could not take.
    fn authority_at(&self, base: u64) -> Option<PublicKey> {
        if base == self.books.position {
            let ours = || self.group.as_ref()?.authority().ok();
            return self.bridge_authority(base).or_else(ours).map(|authority| PublicKey(authority.public()));
        }
        let untaken = self.books.untaken.as_ref().filter(|untaken| untaken.signed && untaken.seq == base)?;
        PublicKey::try_from(&*untaken.authority).ok()
    }

    /// Whether the relay has that key there: an invite's, or of a member that comes back.
    fn is_known_at(&self, entry: &Deliver) -> bool {
        let keys = self.group.as_ref().and_then(|group| Some((group.epoch(), group.access_keys().ok()?)));
        keys.is_some_and(|(epoch, keys)| self.relay_keys(entry.base, epoch, keys).contains_key(&*entry.key))
    }

    /// Which commit an entry is. What no relay takes has a name that no commit has.
    pub(super) fn name_of(&self, entry: &Deliver) -> CommitName {
        CommitName::of_entry(&self.room, entry).unwrap_or_default()
    }
}
