//! Alarms in words: what happened, and what somebody can do. The characters of names stand in them as they came.

use shared::{
    identity::Person,
    room::{Alarm, AlarmKind, Impostor, Way},
};

use super::{as_it_came, counted};

/// People that one alarm names, at most: a screen holds some more.
const NAMED: usize = 16;

/// What happened and what it means.
pub fn alarm(alarm: &Alarm) -> String {
    match alarm {
        Alarm::EntryAgain { entry } => format!("The relay delivered entry {entry} again; it was refused."),
        Alarm::NumberAgain { entry, is_old: false } => {
            format!("Entry {entry} was already delivered; it was refused.")
        }
        Alarm::NumberAgain { entry, is_old: true } => {
            format!("Entry {entry} is too old to tell whether it was already delivered; it was refused.")
        }
        Alarm::MessageAgain { from } => format!("A message of {} came twice; the second was refused.", as_it_came(from)),
        Alarm::EntriesSkipped { missing } => {
            format!("The relay skipped {} of this room's log.", count(*missing, "entry", "entries"))
        }
        Alarm::EntriesExpired { missing } => format!(
            "{} of this room expired at the relay before this device read them.",
            count(*missing, "entry", "entries")
        ),
        Alarm::MessagesMissing { from, missing } => {
            let verb = if *missing == 1 { "is" } else { "are" };
            let count = count(*missing, "message", "messages");
            format!("{count} from {} {verb} missing.", as_it_came(from))
        }
        Alarm::CommitNotShown => {
            "The relay acknowledged a change of yours and then did not show it; it is made again.".to_owned()
        }
        Alarm::MessageNotShown => {
            "The relay acknowledged a message of yours and then did not show it; it is sent again.".to_owned()
        }
        Alarm::JoinNotShown => {
            "The relay let this device in by its own key, but does not show the join that brought the key."
                .to_owned()
        }
        Alarm::TooMuchUnreadable => {
            "More was said that this device cannot read than can have been under way when it joined: it may be in \
             another room than the others."
                .to_owned()
        }
        Alarm::ViewMissing { from } => format!("{} does not say what they saw of the log.", as_it_came(from)),
        Alarm::ViewDiffers { from } => format!(
            "{} was shown another log of this room than this device: the relay deceives one of you.",
            as_it_came(from)
        ),
        Alarm::JoinsUnwitnessed { joins } => format!(
            "{joins} people and devices came in, and nobody who was there before has said anything since: the relay may have shown others another log before that."
        ),
        Alarm::HelperViewDiffers => {
            "A member who offers to let this device back in was shown another log of this room: the relay deceives one of you. \
             The offer was refused."
                .to_owned()
        }
        Alarm::TooFewVotes { entry, undone } => format!(
            "Entry {entry} says that a majority undid the change at entry {undone}, but shows too few votes for that; it \
             was refused. The relay deceives this device."
        ),
        Alarm::UndoingHidden { undone } => format!(
            "More than half of this room's members have voted against the change at entry {undone}, and the relay does not \
             undo it: it deceives them."
        ),
        Alarm::FalseCommit { entry } => format!(
            "Entry {entry} is a change of the room that nobody may make there, or that was not signed with the keys for that. \
             The relay deceives this device."
        ),
        Alarm::FalseVote { entry } => format!(
            "Entry {entry} is a vote that nobody may cast there, or that its voter did not sign; it was refused. The relay \
             deceives this device."
        ),
        Alarm::FalseWord { entry } => format!(
            "Entry {entry} has a member's word for a change of the room, which that member did not give; it was refused. The \
             relay deceives this device."
        ),
        Alarm::PassedBy { entry } => format!(
            "Entry {entry} stands on a change of this room that was passed by already; it was refused. The relay shows \
             members different logs."
        ),
        Alarm::OwnRemovalUndone { entry } => format!(
            "Entry {entry} would take back the removal of the member who made it; it was refused. The relay helps a \
             removed member."
        ),
        Alarm::FalselyRemoved { entry } => format!(
            "The relay says that entry {entry} removed this device, but this device has read that entry and is a member; it \
             votes for nothing. The relay deceives this device."
        ),
        Alarm::OtherLastCommit { named, read } => format!(
            "The relay says that the last change of this room is entry {named}, but the log it showed says {read}: it \
             deceives this device. Nothing of the room can be changed on this connection."
        ),
        Alarm::JoinMisplaced => {
            "The relay shows this join in another place than it took it: the others cannot have accepted it."
                .to_owned()
        }
        Alarm::Reported { by, kind } => format!("{} reports: {}.", as_it_came(by), kind.name()),
        Alarm::TimeBackwards { entry } => {
            format!("Entry {entry} is older than the one before it: the relay's clock ran backwards.")
        }
        Alarm::LogShorter { head, read } => format!(
            "The relay's log of this room ends at {head}, but this device has already read up to {read}: the relay was set \
             back to an old state, or it hides messages."
        ),
        Alarm::OwnMessageUnknown => {
            "Something was said by this device that this profile does not know: the profile is an old backup, or a copy of it \
             is in use elsewhere; it was not shown."
                .to_owned()
        }
        Alarm::OwnCommitUnknown => {
            "This device's own keys changed the room in a way that this profile does not know: the profile is an old backup, \
             or a copy of it is in use elsewhere."
                .to_owned()
        }
        Alarm::HandedOldState => {
            "The state of the room that this device was handed to come back is not the one that the log leads to, or lacks its \
             place in the room; it was refused."
                .to_owned()
        }
        Alarm::AccessDiffers { entry, extra, missing } => format!(
            "Entry {entry} changed who may use the relay in another way than it changed the group ({extra} too many, \
             {missing} missing); it is refused."
        ),
        Alarm::JoinAccessDiffers => {
            "This device's join changed who may use the relay in another way than it asked for: the others cannot have \
             accepted it."
                .to_owned()
        }
        Alarm::Impostor(impostor) => self::impostor(impostor),
        Alarm::DeviceLinked { who, device } => {
            format!("{:?}, whom you have verified, linked a device: {device:?}.", who.name)
        }
        Alarm::OwnDeviceLinked { device } => {
            format!("A device that calls itself {device:?} has become one of YOURS, and this device did not link it.")
        }
        Alarm::KeyReplaced { who } => format!(
            "{:?}, whom you have verified, changed the key of their account: a device was lost or stolen. Their recovery key \
             says so, so they stay verified. Fingerprint: {}.",
            who.name, who.fingerprint
        ),
        Alarm::ReplacedKeyUsed { who } => format!(
            "{:?} is here with an account whose key was replaced after a device was lost or stolen. It may be whoever has that \
             device. Fingerprint: {}.",
            who.name, who.fingerprint
        ),
        Alarm::KeyReplacedTwice { who } => format!(
            "{:?} shows that their account was replaced, and this device knows of another account that took its place. \
             Fingerprint: {}.",
            who.name, who.fingerprint
        ),
        Alarm::MarksDropped { people } => format!(
            "That you compared numbers with {} was said by a device alone that is yours no more. They are not verified any more.",
            named(people)
        ),
        Alarm::MarksRestored { people } => format!(
            "A device that is yours no more had taken back that you compared numbers with {}. They are verified again.",
            named(people)
        ),
        Alarm::SettingsRestored { settings } => format!(
            "A device that is yours no more had changed your settings: {}. They are as they were before, from the next start on. \
             What was sent meanwhile went by its choice.",
            settings.join(", ")
        ),
    }
}

/// Some of them, as they call themselves.
fn named(people: &[Person]) -> String {
    let shown: Vec<String> = people.iter().take(NAMED).map(|who| format!("{:?}", who.name)).collect();
    match people.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {}", shown.join(", "), counted(more, "other")),
    }
}

fn impostor(Impostor { who, way, owner, is_me, is_verified, is_disguise }: &Impostor) -> String {
    let did = match way {
        Way::Joined => "has joined".to_owned(),
        Way::IsHere => "is in this room".to_owned(),
        Way::Renamed(was) => format!("was {was:?} until now and has taken this name"),
    };
    let owned = &owner.name;
    let owner = match () {
        () if *is_me => format!("That looks like YOUR name, {owned:?}, and this is not your key"),
        () if *is_verified => {
            format!("{owned:?}, whom you have VERIFIED, has another key: {}", owner.fingerprint)
        }
        () => format!("{owned:?}, whom you know, has another key: {}", owner.fingerprint),
    };
    let guess = match is_disguise {
        true => "The names only look alike; it may be an impostor.",
        false => "It may be an impostor, or a new device or profile of the same person.",
    };
    format!(
        "Somebody called {:?} {did}, with the fingerprint {}. {owner}. {guess}",
        who.name, who.fingerprint
    )
}

/// What somebody can do about this one.
pub fn remedy(alarm: &Alarm) -> &'static str {
    match alarm {
        Alarm::OwnMessageUnknown | Alarm::OwnCommitUnknown => {
            "If you restored a backup or copied the profile, that is why: use one of the two only. If not, somebody has your backup and its \
             phrase, or a copy of this device: run `schat devices replace-key`, with your twelve words. The copy is out then, and the device \
             at which you do that stays."
        }
        Alarm::OwnDeviceLinked { .. } => {
            "If you linked it at another device, nothing is to be done. If not, somebody has your account: `schat devices remove ID` takes it out \
             (`schat devices` shows its id), and `schat devices replace-key`, with your twelve words, gives your account another key."
        }
        Alarm::MarksDropped { .. } => {
            "If that device was not in other hands, nothing was wrong. Compare with them here: /verify NAME."
        }
        Alarm::MarksRestored { .. } => {
            "If it was you who took them back, say so here: /unverify NAME. If not, look whether their keys changed meanwhile."
        }
        Alarm::SettingsRestored { .. } => {
            "If it was you who changed them, change them once more, in the settings file here: `schat config` shows what is in force."
        }
        other => alarm_remedy(other.kind()),
    }
}

/// What somebody can do about an alarm of this kind.
pub fn alarm_remedy(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::Replay => {
            "It was refused. If it goes on, ask the relay's operator, or move the room to another relay."
        }
        AlarmKind::Gap => {
            "Ask the others, over another channel, what was said, and ask the relay's operator."
        }
        AlarmKind::Fork => {
            "Compare the authenticator (/members) with the others over another channel; if it differs, leave this relay."
        }
        AlarmKind::Rollback => "If you restored a backup, that is why. Otherwise ask the relay's operator.",
        AlarmKind::Certificate => "Do not go on before the relay's operator has confirmed the change.",
        AlarmKind::Impostor => {
            "Believe nothing that comes from there before you have asked, over another channel, and compared: /verify NAME."
        }
        AlarmKind::Device => {
            "Ask them, over another channel, whether that was them. If it was not, believe nothing that comes from there."
        }
        AlarmKind::Access => "The next commit repairs it. If it goes on, ask the relay's operator.",
    }
}

fn count(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}
