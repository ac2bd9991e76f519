//! Entering anew, once the slot came.

use prost::Message as _;
use proto::relay::{AccessChange, CommitPart, Slot};
use zeroize::Zeroizing;

use crate::{
    content,
    crypto::aead::{Origin, Scope, SealingKey, Session},
    identity::{Fingerprint, credential::account_of},
    invite::{join_secret, slot},
    mls::group::{Group, GroupError},
    room::{
        Alarm, CloseReason, Engine, Millis,
        authority::Signer,
        commit::part_with,
        out::RESYNC_AFTER_MS,
        state::{MAX_REFUSED, Pending},
    },
};

impl Engine {
    /// The slot came. Whatever is wrong with it, a fresh answer is asked for.
    pub(in crate::room) fn reenter(&mut self, found: &Slot, now: Millis) -> Result<(), GroupError> {
        let Some(out) = &mut self.back.out else { return Ok(()) };
        let slot_key = Zeroizing::new(std::mem::take(&mut out.slot_key));
        out.not_before = now + RESYNC_AFTER_MS;
        let Ok(slot_key) = <[u8; 32]>::try_from(slot_key.as_slice()).map(Zeroizing::new) else {
            return Ok(());
        };
        if self.pending.is_some() {
            return Ok(());
        }
        let answerer = out.answerer.clone();
        if found.last_commit != out.last_commit {
            // One that came after the answer won a race. Any other one the answer should have known.
            if found.last_commit <= out.answered_at {
                self.refuse_account(&answerer, now);
            }
            return Ok(());
        }
        let (leaf, handed) = (out.leaf, out.handed);
        let Ok(slot::Entrance { group_info, tree }) = slot::open_as_member(&self.room, &slot_key, found)
        else {
            // Either the slot is rubbish, or the key is: whoever commits brings another slot, and if that does not help,
            // it is the key.
            out.useless = found.last_commit;
            let again = out.useless_by.contains(&answerer);
            if !again && out.useless_by.len() < MAX_REFUSED {
                out.useless_by.push(answerer.clone());
            }
            self.refuse_account(if again { &answerer } else { &[] }, now);
            return Ok(());
        };
        let own = self.own_account();
        if self.profile.identity.fingerprint() == own && Group::has_heir(&self.room, &tree, &own) {
            // It proves that itself, and nobody takes this device in.
            self.close(CloseReason::KeyReplaced);
            return Ok(());
        }
        let Some(old) = &self.group else { return Err(GroupError::Damaged) };
        let Some(before) = old.own_leaf() else { return Err(GroupError::Damaged) };
        let random = self.profile.random.clone();
        let suite = (self.suite(), &random);
        let signer = self.signer();
        let (shown, own) = Group::shown_at(&tree, leaf, &signer.public).unzip();
        // A change of the account brought another access key.
        let own = own.unwrap_or(before);
        let account = shown.as_ref().and_then(account_of).map(|account| account.fingerprint);
        let is_of_another =
            account.is_some_and(|shown| shown != self.own_account() && !self.is_profiles(&shown));
        let identity = match shown {
            Some(shown) if is_of_another => shown,
            // Our own change is in the log, and this device did not see that any more.
            Some(_) if account.is_some_and(|shown| self.is_profiles(&shown)) => self.identity(),
            _ => self.identity_for_return(),
        };
        let (signer, entrance) = ((&signer, identity), (group_info.as_slice(), &tree));
        let built = Group::rejoin(suite, signer, &self.room, entrance, (leaf, &own));
        let (mut group, mut prepared) = match built {
            Ok(built) if handed.checked_add(1) == Some(built.0.epoch()) && !self.has_gone(&built.0)? => built,
            _ => {
                self.alarm(Alarm::HandedOldState);
                self.refuse_account(&answerer, now);
                return Ok(());
            }
        };
        if is_of_another {
            // The tree is good, and our leaf in it was signed by our own key: this device, or whoever has it, changed the
            // account since, more than once. Else an heir would show.
            self.close(CloseReason::KeyReplaced);
            return Ok(());
        }
        let scope = Scope { room: self.room, epoch: 0, origin: Origin::Invite };
        let body = content::sealed::Body::KeyShare(std::mem::take(&mut prepared.message).into());
        let sealed = content::Sealed { body: Some(body), ..content::Sealed::default() }.encode_to_vec();
        let envelope = SealingKey::new(&join_secret(&slot_key), &scope, Session::random(&random))
            .seal(&sealed)
            .map_err(|_| GroupError::Unexpected)?;
        let invites = group.room()?.invites;
        let slot = self.seal_slot(&invites, &prepared, &tree).map_err(|_| GroupError::Unexpected)?;
        let mut part = CommitPart {
            expected_last_commit: found.last_commit,
            access: Some(AccessChange::default()),
            authority: prepared.next.authority.to_vec().into(),
            ..part_with(slot)
        };
        self.sign_part(self.access.public(), &envelope, &mut part, &Signer::Publisher(&self.access))?;
        let mut pending = Pending::default();
        pending.publish_id = random.bytes::<16>().to_vec();
        pending.envelope = envelope;
        pending.part = Some(part);
        pending.returns = true;
        pending.epoch = group.epoch();
        group.succeed(old, self.books.position);
        self.group = Some(group);
        self.set_pending(Some(pending));
        Ok(())
    }

    fn is_profiles(&self, account: &Fingerprint) -> bool {
        *account == self.profile.identity.fingerprint()
    }

    /// Our return lost its race or was refused: the old group is what we have.
    pub(in crate::room) fn give_up_return(&mut self) -> Result<(), GroupError> {
        if !self.pending.as_ref().is_some_and(|pending| pending.returns) {
            return Ok(());
        }
        let position = self.books.position;
        let Some(group) = &mut self.group else { return Ok(()) };
        group.to_base(position)?;
        group.keep_bases(&[]);
        self.set_pending(None);
        Ok(())
    }
}
