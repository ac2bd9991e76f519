//! What the relay obeys: signatures by an epoch's authority, which it checks without understanding anything else.

use proto::{
    PublicKey,
    access::{Change, CommitName, CommitParts, ack_statement, ballot_statement, commit_statement},
    relay::{Ack, Ballot, CommitPart, Deliver},
    slot_hash,
};

use super::Engine;
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
        let seq = self.meta.position;
        let name = self.meta.tip_name(seq)?;
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

    /// Which commit an entry is. What no relay takes has a name that no commit has.
    pub(super) fn name_of(&self, entry: &Deliver) -> CommitName {
        CommitName::of_entry(&self.room, entry).unwrap_or_default()
    }
}
