//! Raw access for hostile peers: any MLS message in any envelope with any commit part.

use mls_rs::ExtensionList;
use mls_rs_core::extension::{Extension, ExtensionType};
use prost::Message as _;
use proto::relay::{
    AccessChange, AccessKey, CommitPart, Deliver, Joined, RelayFrame, access_key::Kind, relay_frame::Frame,
};
use proto::{
    PublicKey,
    access::{Change, CommitParts, commit_statement},
};

use super::world::{PIN, World};
use crate::{
    content::{self, content::Body, sealed},
    crypto::aead::{Origin, Scope, SealingKey, Session},
    crypto::suite::Suite,
    invite::{AccessSecret, InviteSecret, join_secret, list},
    mls::{
        extension::leaf_of,
        group::{
            self,
            hostile::{Hostile, announced, last_announced},
        },
    },
    room::{AlarmKind, Command, Input},
};

pub(crate) const ANN: usize = 0;
pub(crate) const BOB: usize = 1;
pub(crate) const EVE: usize = 2;

/// Ann made the room; bob and eve joined. Nobody is suspicious yet.
pub(crate) fn three(seed: u64) -> World {
    World::room_of(&["ann", "bob", "eve"], Suite::Classic, seed)
}

// What a relay may show, in whatever order it likes.
impl World {
    /// From now on device `i` is shown only what `show` shows.
    pub(crate) fn capture(&mut self, i: usize) {
        self.settle();
        self.relay.streams.remove(&i);
    }

    pub(crate) fn show(&mut self, i: usize, entry: Deliver) {
        self.frame(i, Frame::Deliver(entry));
    }

    /// Shows device `i` the log as it is, before that entry.
    pub(crate) fn show_before(&mut self, i: usize, seq: u64) {
        for before in self.cursor(i) + 1..seq {
            let entry = self.entry(before);
            self.show(i, entry);
        }
    }

    /// To device `i` the relay says that it keeps no entry before that one any more.
    pub(crate) fn show_oldest(&mut self, i: usize, oldest: u64) {
        self.begin_join(i);
        self.relay.streams.remove(&i);
        let joined = Joined {
            head: oldest.max(self.head()),
            oldest,
            last_commit: self.relay.last_commit,
            generation: self.relay.generation.to_vec().into(),
            ..Joined::default()
        };
        self.frame(i, Frame::Joined(joined));
    }

    pub(crate) fn frame(&mut self, i: usize, frame: Frame) {
        self.input(i, Input::Frame(RelayFrame { frame: Some(frame) }));
    }

    pub(crate) fn entry(&self, seq: u64) -> Deliver {
        self.relay.log[usize::try_from(seq).unwrap() - 1].clone()
    }

    pub(crate) fn head(&self) -> u64 {
        self.relay.log.len() as u64
    }

    pub(crate) fn cursor(&self, i: usize) -> u64 {
        self.devices[i].engine.as_ref().unwrap().cursor()
    }

    /// Device `i` asks to join; the answer is up to the test.
    pub(crate) fn begin_join(&mut self, i: usize) {
        self.devices[i].online = false;
        self.input(i, Input::Connected { binding: [0; 32], token: None, pin: Some(PIN) });
        self.devices[i].online = true;
    }
}

impl World {
    pub(crate) fn hostile(&self, i: usize) -> Hostile {
        let engine = self.devices[i].engine.as_ref().unwrap();
        let mut peer = Hostile::of(engine.group.as_ref().unwrap(), &self.devices[i].profile.random);
        peer.1.view = Some(engine.own_view());
        peer
    }

    pub(crate) fn leaf(&self, i: usize) -> u32 {
        self.devices[i].engine.as_ref().unwrap().group.as_ref().unwrap().leaf()
    }

    pub(crate) fn epoch(&self, i: usize) -> u64 {
        self.devices[i].engine.as_ref().unwrap().view().unwrap().epoch
    }

    pub(crate) fn members(&self, i: usize) -> usize {
        self.devices[i].engine.as_ref().unwrap().view().unwrap().members.len()
    }

    pub(crate) fn room(&self, i: usize) -> content::Room {
        self.devices[i].engine.as_ref().unwrap().group.as_ref().unwrap().room().unwrap()
    }

    pub(crate) fn access_key(&self, i: usize) -> AccessKey {
        member_key(&self.devices[i].engine.as_ref().unwrap().access)
    }

    /// Seals as if by `leaf`, with what device `i` knows of its newest epoch.
    pub(crate) fn envelope(&self, i: usize, leaf: u32, at: (Session, u64), body: sealed::Body) -> Vec<u8> {
        let engine = self.devices[i].engine.as_ref().unwrap();
        let (_, mut key) = engine.keyring.sealing(leaf, at.0, at.1).unwrap();
        key.seal(&content::Sealed { body: Some(body), ..content::Sealed::default() }.encode_to_vec()).unwrap()
    }

    /// As `envelope`, honestly by device `i` itself.
    pub(crate) fn own_envelope(&self, i: usize, body: sealed::Body) -> Vec<u8> {
        let named = match &body {
            sealed::Body::KeyShare(message) => Hostile::session_of(message),
            sealed::Body::PrivateMessage(_) => None,
        };
        let session = named.unwrap_or_else(|| Session::random(&self.devices[i].profile.random));
        self.envelope(i, self.leaf(i), (session, 0), body)
    }

    /// What `peer`, in the place of device `i`, says in the log, in an envelope of its own.
    pub(crate) fn said(&self, i: usize, peer: &mut Hostile, content: &content::Content) -> Vec<u8> {
        self.message(i, peer, group::Kind::Content, content)
    }

    /// As `said`, outside the log.
    pub(crate) fn signalled(&self, i: usize, peer: &mut Hostile, content: &content::Content) -> Vec<u8> {
        self.message(i, peer, group::Kind::Signal, content)
    }

    fn message(
        &self,
        i: usize,
        peer: &mut Hostile,
        kind: group::Kind,
        content: &content::Content,
    ) -> Vec<u8> {
        let session = Session::random(&self.devices[i].profile.random);
        let message = peer.seal(kind, (session, 0), &content.encode_to_vec());
        self.envelope(i, self.leaf(i), (session, 0), private(message))
    }

    /// The slot key of device `i`'s epoch.
    pub(crate) fn slot_key(&self, i: usize) -> [u8; 32] {
        *self.devices[i].engine.as_ref().unwrap().group.as_ref().unwrap().slot_key().unwrap()
    }

    /// What is at the room's slot, as device `i` opens it.
    pub(crate) fn group_info(&self, i: usize) -> Vec<u8> {
        self.hostile(i).0.group_info_message_allowing_ext_commit(true).unwrap().to_bytes().unwrap()
    }

    /// The room's id.
    pub(crate) fn room_id(&self, i: usize) -> proto::RoomId {
        self.devices[i].engine.as_ref().unwrap().room
    }

    /// The secret of the first invite that device `i` made.
    pub(crate) fn first_link(&self, i: usize) -> InviteSecret {
        self.devices[i].engine.as_ref().unwrap().invites.own_invites[0].invite_secret().unwrap()
    }

    /// Device `i`'s leaf, as its group has it.
    pub(crate) fn own_leaf(&self, i: usize) -> content::Leaf {
        let group = self.hostile(i);
        leaf_of(&group.0.member_at_index(self.leaf(i)).unwrap()).unwrap()
    }

    /// An invite as device `i` would list it.
    pub(crate) fn listed(&self, i: usize, secret: &InviteSecret, limits: (u64, u32)) -> content::Invite {
        list(secret, &self.room_id(i), limits, &self.devices[i].profile.identity).unwrap()
    }

    /// Device `i`'s own word that it leaves.
    pub(crate) fn leave_proof(&self, i: usize) -> Vec<u8> {
        let engine = self.devices[i].engine.as_ref().unwrap();
        engine.signer().sign_leave(engine.room.as_bytes()).unwrap().to_vec()
    }

    /// Ann makes these moderators.
    pub(crate) fn make_moderators(&mut self, who: &[usize]) {
        for i in who {
            let who = self.devices[*i].profile.identity.fingerprint();
            self.command(ANN, Command::Moderator { who, is_moderator: true });
        }
        self.settle();
    }

    /// One more person, with a device of their own.
    pub(crate) fn newcomer(&mut self, name: &str, seed: u64) -> usize {
        self.devices.push(World::new(&[name], Suite::Classic, seed).devices.remove(0));
        self.devices.len() - 1
    }

    /// Sealed as by a joiner.
    pub(crate) fn join_envelope(&self, i: usize, slot_key: &[u8; 32], message: Vec<u8>) -> Vec<u8> {
        let engine = self.devices[i].engine.as_ref().unwrap();
        let scope = Scope { room: engine.room, epoch: 0, origin: Origin::Invite };
        let session = Session::random(&self.devices[i].profile.random);
        let body = Some(sealed::Body::KeyShare(message.into()));
        SealingKey::new(&join_secret(slot_key), &scope, session)
            .seal(&content::Sealed { body, ..content::Sealed::default() }.encode_to_vec())
            .unwrap()
    }

    /// What an honest program of device `i` would say, to be falsified.
    pub(crate) fn content(&self, i: usize, counter: u64, text: &str) -> content::Content {
        let view = self.devices[i].engine.as_ref().unwrap().own_view();
        content::Content {
            id: vec![7; 16].into(),
            counter,
            view: Some(view),
            sent_ms: self.now,
            body: Some(Body::Text(content::Text { body: text.to_owned(), ..content::Text::default() })),
        }
    }

    pub(crate) fn part(&self, access: AccessChange) -> CommitPart {
        CommitPart {
            expected_last_commit: self.relay.last_commit,
            slot: self.relay.slot.sealed.clone(),
            piece_names: self.relay.slots.get(&self.relay.last_commit).cloned().unwrap_or_default().names,
            access: Some(access),
            ..CommitPart::default()
        }
    }

    /// Publishes a commit message of device `i`'s making.
    pub(crate) fn inject_commit(&mut self, i: usize, message: Vec<u8>, access: AccessChange) -> u64 {
        let authority = announced(&message).to_vec().into();
        let envelope = self.own_envelope(i, sealed::Body::KeyShare(message.into()));
        let part = CommitPart { authority, ..self.part(access) };
        let key = self.access_key(i).key;
        let part = self.signed(&key, &envelope, part);
        self.relay.now = self.now;
        self.relay.append_by(&key, envelope, Some(part))
    }

    /// Signs a commit part that `key` publishes, as whoever has the keys would: with the authority of the epoch that it
    /// ends, or with the key itself for a join.
    pub(crate) fn signed(&self, key: &[u8], envelope: &[u8], part: CommitPart) -> CommitPart {
        let access = part.access.clone().unwrap_or_default();
        let (Some(state), Ok(key), Ok(change), Ok(announced)) = (
            &self.relay.access,
            PublicKey::try_from(key),
            Change::try_from(&access),
            PublicKey::try_from(&*part.authority),
        ) else {
            return part;
        };
        let on = [state.head.tip(), state.head.confirmed];
        let on = on.into_iter().find(|tip| tip.position == part.expected_last_commit);
        let parts = CommitParts::of(envelope, proto::slot_hash(&part.slot, &part.piece_names), &change);
        let statement =
            commit_statement(&self.relay.room.unwrap(), part.expected_last_commit, &key, &announced, &parts);
        let engines = || self.devices.iter().filter_map(|device| device.engine.as_ref());
        let invites = engines().flat_map(|engine| &engine.invites.own_invites);
        let invite = invites
            .filter_map(crate::room::state::OwnInvite::invite_secret)
            .map(|secret| secret.access_key());
        let by_invite = invite.into_iter().find(|secret| secret.public() == key);
        let authorities = engines().filter_map(|engine| engine.group.as_ref()?.authority().ok());
        let authority = authorities.into_iter().find(|authority| {
            by_invite.is_none() && on.is_some_and(|tip| tip.authority.0 == authority.public())
        });
        let signature = match (by_invite, authority) {
            (Some(secret), _) => secret.sign_statement(&statement),
            (_, Some(authority)) => authority.sign(&statement),
            _ => return part,
        };
        CommitPart { signature: signature.to_vec().into(), ..part }
    }

    /// The ledger of device `i` say what the relay's rows say.
    pub(crate) fn assert_ledger(&self, i: usize) {
        let ledger = &self.devices[i].engine.as_ref().unwrap().ledger;
        let Some(ours) = ledger.head() else { panic!("device {i} keeps no ledger: {}", self.story(i)) };
        assert_eq!(*ours, self.relay.access.as_ref().unwrap().head, "device {i}: {}", self.story(i));
    }

    pub(crate) fn inject(&mut self, envelope: Vec<u8>, part: Option<CommitPart>) -> u64 {
        self.relay.now = self.now;
        let joins = part.as_ref().and_then(|part| part.access.as_ref()).is_some_and(|change| {
            change.added.iter().any(|key| key.kind() == Kind::Member) && change.removed.is_empty()
        });
        let invite = self.relay.keys.values().find(|(key, _)| key.kind() == Kind::Invite);
        let key = match invite.filter(|_| joins) {
            Some((key, _)) => key.key.clone(),
            None => self.access_key(EVE).key,
        };
        let part = part.map(|part| match part.authority.is_empty() {
            true => CommitPart { authority: last_announced().to_vec().into(), ..part },
            false => part,
        });
        let part = part.map(|part| self.signed(&key, &envelope, part));
        self.relay.append_by(&key, envelope, part)
    }

    /// The commits that device `i`'s group stands on, newest first.
    pub(crate) fn stands_on(&self, i: usize) -> Vec<u64> {
        let newest = self.devices[i].engine.as_ref().unwrap().books.position;
        let before = |seq: &u64| Some(self.entry(*seq).base).filter(|base| *base != 0);
        std::iter::successors(Some(newest).filter(|seq| *seq != 0), before).collect()
    }

    /// Nobody of `honest` took any commit that the test made, everybody was told, nobody was put out by it, and the room
    /// still works. Where none was made, none moved the epoch; else another one may have taken its place.
    pub(crate) fn assert_refused(&mut self, honest: &[usize], epoch: u64, code: &str) {
        for i in honest {
            match self.relay.injected.is_empty() {
                true => assert_eq!(self.epoch(*i), epoch, "device {i} took it"),
                false => assert!(self.epoch(*i) >= epoch, "device {i} went back"),
            }
            let taken = self.stands_on(*i);
            let bad = self.relay.injected.iter().find(|seq| taken.contains(seq));
            assert_eq!(bad, None, "device {i} took it: {}", self.story(*i));
            assert!(self.errors(*i).contains(&code), "device {i}: {}", self.story(*i));
            assert!(!self.errors(*i).contains(&"out"), "device {i}: {}", self.story(*i));
        }
        self.assert_talks(honest);
    }

    /// As `assert_refused`, and for the reason given.
    pub(crate) fn assert_violates(
        &mut self,
        honest: &[usize],
        epoch: u64,
        violation: crate::mls::rules::Violation,
    ) {
        let wanted = crate::room::Problem::InvalidCommit(crate::room::Breach::Rule(violation));
        for i in honest {
            let told = self.devices[*i]
                .events
                .iter()
                .any(|event| matches!(event, crate::room::Event::Problem(problem) if *problem == wanted));
            assert!(told, "device {i}: {}", self.story(*i));
        }
        self.assert_refused(honest, epoch, "invalid_commit");
    }

    /// Commits and messages still get through between `honest`, in the same epoch.
    pub(crate) fn assert_talks(&mut self, honest: &[usize]) {
        for i in honest {
            let text = format!("still here {i} at {}", self.relay.log.len());
            self.say(*i, &text);
            self.settle();
            for j in honest {
                assert_eq!(self.texts(*j).last(), Some(&text), "device {j}: {}", self.story(*j));
            }
        }
        self.command(honest[0], Command::Rename(format!("r{}", self.relay.log.len())));
        self.settle();
        let agreed = self.authenticator(honest[0]);
        assert!(honest.iter().all(|i| self.authenticator(*i) == agreed), "the members diverged");
    }

    /// The last things that device `i` showed.
    pub(crate) fn story(&self, i: usize) -> String {
        let events = self.devices[i].events.iter().rev().take(40);
        let lines: Vec<String> =
            events.map(|event| format!("{event:?}").chars().take(300).collect()).collect();
        lines.join("\n")
    }

    pub(crate) fn assert_alarm(&self, i: usize, kind: AlarmKind) {
        assert!(self.alarms(i).contains(&kind), "device {i}: {}", self.story(i));
    }
}

pub(crate) fn member_key(access: &AccessSecret) -> AccessKey {
    let key = access.public().as_bytes().to_vec().into();
    AccessKey { key, kind: Kind::Member.into(), expires_ms: 0, max_uses: 0, ..AccessKey::default() }
}

pub(crate) fn adds(key: AccessKey) -> AccessChange {
    AccessChange { added: vec![key], removed: Vec::new() }
}

pub(crate) fn nothing() -> AccessChange {
    AccessChange::default()
}

pub(crate) fn private(message: Vec<u8>) -> sealed::Body {
    sealed::Body::PrivateMessage(message.into())
}

pub(crate) fn extensions(kind: ExtensionType, message: &impl prost::Message) -> ExtensionList {
    let mut list = ExtensionList::new();
    list.set(Extension::new(kind, message.encode_to_vec()));
    list
}

/// One entry of a log, for people.
pub(crate) fn brief(entry: &Deliver) -> String {
    let who: String = entry.key.iter().take(2).map(|byte| format!("{byte:02x}")).collect();
    let ack = entry.ack.as_ref().map_or(0, |ack| ack.seq);
    format!(
        "{}: {}{}{} base {} by {who} ack {ack} {}",
        entry.seq,
        if entry.is_commit { "commit" } else { "" },
        if entry.resync.is_empty() { "" } else { "resync" },
        entry
            .ballot
            .as_ref()
            .map_or(String::new(), |ballot| format!("vote {} undone {}", ballot.seq, entry.undone)),
        entry.base,
        entry.envelope.len(),
    )
}
