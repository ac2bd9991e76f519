// Alarms, problems and ends of rooms: what happened, and what somebody can do.

import { content as c, kind, type Pair } from './told';
import type { Told } from '../api';

const REFUSED = 'It was refused. If it goes on, ask the relay’s operator, or move the room to another relay.';
const ASK = 'Ask the others, over another channel, what was said, and ask the relay’s operator.';
const FORK = 'Compare the authenticator with the others over another channel; if it differs, leave this relay.';
const BACKUP = 'If you restored a backup, that is why. Otherwise ask the relay’s operator.';
const ACCESS = 'It was refused. If it goes on, ask the relay’s operator.';
const IMPOSTOR = 'Believe nothing that comes from there before you have asked, over another channel, and compared the safety number.';
const RELAY_KEY = 'Somebody may sit between you and the relay. Ask its operator; if the change is real, open a new link of a member.';
const NOTHING = 'Nothing to do.';
const NEW_LINK = 'Ask a member for a new invite.';

type Say<T> = (what: unknown) => T;

export const alarms: Record<string, Say<Pair>> = {
  EntryAgain: (a) => [`The relay delivered entry ${c(a, 'entry')} again.`, REFUSED],
  NumberAgain: (a) => [`Entry ${c(a, 'entry')} was already delivered, or is too old to tell.`, REFUSED],
  MessageAgain: (a) => [`A message of ${c(a, 'from')} came twice; the second was refused.`, REFUSED],
  EntriesSkipped: (a) => [`The relay skipped ${c(a, 'missing')} entries of this room’s log.`, ASK],
  EntriesExpired: (a) => [`${c(a, 'missing')} entries of this room expired at the relay before this device read them.`, ASK],
  MessagesMissing: (a) => [`${c(a, 'missing')} messages from ${c(a, 'from')} are missing.`, ASK],
  CommitNotShown: () => ['The relay acknowledged a change of yours and then did not show it; it is made again.', ASK],
  MessageNotShown: () => ['The relay acknowledged a message of yours and then did not show it; it is sent again.', ASK],
  JoinNotShown: () => ['The relay let this device in by its own key, but does not show the join that brought the key.', ASK],
  TooMuchUnreadable: () => ['More was said that this device cannot read than can have been under way when it joined: it may be in another room than the others.', FORK],
  ViewMissing: (a) => [`${c(a, 'from')} does not say what they saw of the log.`, FORK],
  ViewDiffers: (a) => [`${c(a, 'from')} was shown another log of this room than this device: the relay deceives one of you.`, FORK],
  HelperViewDiffers: () => ['A member who offers to let this device back in was shown another log: the relay deceives one of you. The offer was refused.', FORK],
  JoinsUnwitnessed: (a) => [`${c(a, 'joins')} people and devices came in, and nobody who was there before has said anything since: the relay may have shown others another log.`, FORK],
  TooFewVotes: (a) => [`Entry ${c(a, 'entry')} says that a majority undid a change, but shows too few votes for that. The relay deceives this device.`, FORK],
  UndoingHidden: (a) => [`More than half of the members voted against the change at entry ${c(a, 'undone')}, and the relay does not undo it.`, FORK],
  FalseCommit: (a) => [`Entry ${c(a, 'entry')} is a change of the room that nobody may make there. The relay deceives this device.`, FORK],
  FalseVote: (a) => [`Entry ${c(a, 'entry')} is a vote that nobody may cast there. The relay deceives this device.`, FORK],
  FalseWord: (a) => [`Entry ${c(a, 'entry')} has a member’s word for a change, which that member did not give. The relay deceives this device.`, FORK],
  PassedBy: (a) => [`Entry ${c(a, 'entry')} stands on a change that was passed by already. The relay shows members different logs.`, FORK],
  OwnRemovalUndone: (a) => [`Entry ${c(a, 'entry')} would take back the removal of the member who made it. The relay helps a removed member.`, FORK],
  FalselyRemoved: (a) => [`The relay says that entry ${c(a, 'entry')} removed this device, which has read it and is a member. The relay deceives this device.`, FORK],
  OtherLastCommit: (a) => [`The relay names another last change (${c(a, 'named')}) than the log that it showed (${c(a, 'read')}).`, FORK],
  JoinMisplaced: () => ['The relay shows this join in another place than it took it: the others cannot have accepted it.', FORK],
  Reported: (a) => [`${c(a, 'by.name') || c(a, 'by')} reports misbehaviour of the relay.`, ASK],
  TimeBackwards: (a) => [`Entry ${c(a, 'entry')} is older than the one before it: the relay’s clock ran backwards.`, BACKUP],
  LogShorter: (a) => [`The relay’s log ends at ${c(a, 'head')}, but this device has read up to ${c(a, 'read')}: the relay was set back, or it hides messages.`, BACKUP],
  OwnMessageUnknown: () => ['Something was said by this device that this browser does not know: a copy of its storage is in use elsewhere.', BACKUP],
  OwnCommitUnknown: () => ['This device’s keys changed the room in a way that this browser does not know: a copy of its storage is in use elsewhere.', BACKUP],
  HandedOldState: () => ['The state by which this device should come back is not the one that the log leads to; it was refused.', BACKUP],
  AccessDiffers: (a) => [`Entry ${c(a, 'entry')} changed who may use the relay in another way than it changed the group.`, ACCESS],
  JoinAccessDiffers: () => ['This device’s join changed who may use the relay in another way than it asked for.', ACCESS],
  Impostor: (a) => [`Somebody called “${c(a, 'who.name')}” is here with another key than “${c(a, 'owner.name')}”, whom you know.`, IMPOSTOR],
  DeviceLinked: (a) => [`${c(a, 'who.name')}, whom you have verified, linked a device: ${c(a, 'device')}.`, 'Ask them, over another channel, whether that was them.'],
  KeyReplaced: (a) => [`${c(a, 'who.name')}, whom you have verified, changed the key of their account. Their recovery key says so.`, 'Ask them, over another channel.'],
  ReplacedKeyUsed: (a) => [`${c(a, 'who.name')} is here with an account whose key was replaced. It may be whoever has a lost device.`, IMPOSTOR],
  RelayKeyChanged: (a) => [
    c(a, 'key') === ''
      ? 'The relay does not prove that it is the one that this room’s link named. Nothing is sent in this room.'
      : 'The relay has another key than the one that this room’s link named. Nothing is sent in this room.',
    RELAY_KEY,
  ],
  RelayKeyTaken: () => [
    'A link named another key of the relay than this room knew. From now on that one counts here.',
    'Ask whoever gave you the link, over another channel, whether the relay was set up anew. If not, leave this relay.',
  ],
  KeyReplacedTwice: (a) => [`${c(a, 'who.name')} shows that their account was replaced, and another account took its place before.`, IMPOSTOR],
};

const RIGHTS: Record<string, string> = {
  Remove: 'Only moderators remove others.',
  MakeModerators: 'Only moderators make moderators.',
  ChangePolicy: 'Only moderators change what the room allows.',
  ChangeTopic: 'Only moderators say what the room is about.',
  Invite: 'In this room only moderators invite.',
  Revoke: 'Only moderators revoke the invites of others.',
};

const OUT: Record<string, string> = {
  Commit: 'Others have taken a change of this room that this device cannot read.',
  Away: 'This device was away for longer than the relay keeps messages.',
  OldProfile: 'This device went back to an older state than the room has seen of it.',
  Undone: 'A majority undid a change that this device had taken.',
  Restored: 'The relay lost changes that this device has taken.',
  Backup: 'This device was restored from a backup, which holds nothing that opens this room.',
};

const SAID: Record<string, Pair> = {
  Empty: ['There is nothing to send.', 'Type something.'],
  TooLong: ['The message is too long.', 'Send it in parts.'],
  Emoji: ['A reaction is one emoji or a short word.', 'Choose another one.'],
  Id: ['That names no message.', NOTHING],
  File: ['This is no file that can be sent.', 'Send another one.'],
};

const operators = (what: unknown): string => (c(what, 'reason') ? `: “${c(what, 'reason')}”` : '');

export const problems: Record<string, Say<Pair>> = {
  NotJoined: () => ['This device is not in the room yet.', 'Wait until it has joined.'],
  Leaving: () => ['This device is leaving the room.', 'Join again by a new invite.'],
  Said: (p) => SAID[kind(p as Told)] ?? SAID.Id!,
  OutboxFull: () => ['Too many messages wait for the relay; this one was not taken.', 'Wait until the relay is back.'],
  BadName: () => ['This name cannot be shown.', 'Choose another name.'],
  BadProfile: () => ['That cannot be shown.', 'Choose something shorter and simpler.'],
  BadTopic: () => ['This topic is too long, or cannot be shown.', 'Say it in fewer words.'],
  NotModerator: (p) => [RIGHTS[String(p)] ?? 'Only moderators may do that.', 'Ask one of them; the list of members shows who they are.'],
  NoSuchMember: () => ['Nobody in the room has this fingerprint.', 'Look at the list of members.'],
  LastModerator: () => ['A room has at least one moderator.', 'Make another one first.'],
  LastModeratorStays: () => ['You are the last moderator, so you cannot leave while others are in.', 'Make another one a moderator, then leave.'],
  OwnDevicesStay: () => ['This is the room of your own devices: none leaves it by itself.', 'Take it out on another device.'],
  TooManyModerators: (p) => [`A room has at most ${c(p, 'most')} moderators.`, 'Take the right from one who does not use it.'],
  BadPolicy: (p) => [`One person may have 1 to ${c(p, 'most')} devices in a room.`, 'Choose a number among them.'],
  TooManyInvites: () => ['The room has as many live invites as it may.', 'Revoke one with the installed program.'],
  BadTime: () => ['That time is over already.', 'Choose a later one.'],
  NoSuchInvite: () => ['There is no such invite.', NOTHING],
  OpenRoom: () => ['This room is open: anybody who knows its name can join.', 'Make a private room.'],
  NoInvite: () => ['An invite could not be made: others were faster, or only moderators may any more.', 'Try again.'],
  NothingToAccept: () => ['There is nothing to agree to in this room.', NOTHING],
  RelayRestored: () => ['The relay was restored from a backup: what was said since then is gone there. The room stands still until you agree.', 'Ask the relay’s operator whether that is so, then go on.'],
  LostAtRestore: (p) => [`With the relay’s restore ${c(p, 'missing')} messages from ${c(p, 'from')} went missing before this device had read them.`, 'Ask them what they said.'],
  LedAstray: () => ['The relay led this device past the end of the log: nothing is sent.', 'Compare in another way what the others see, then go on.'],
  NotSent: (p) => [`${c(p, 'messages')} of your messages in this room were not sent.`, 'Say them again in a room that you are in.'],
  ChangeRefused: () => ['The relay refused a change of the room for good.', 'Tell the relay’s operator.'],
  MessageRefused: () => ['The relay refused a message for good; it was not sent.', 'Tell the relay’s operator.'],
  RoomRefused: (p) => [`The relay refused to open the room (${c(p, 'code')}).`, 'Tell the relay’s operator.'],
  NoRoomState: () => ['The relay accepted the invite but sent no room state.', 'Try again.'],
  NoLedger: () => ['The relay does not say who may do what in this room, so this device cannot check it.', 'If this happens each time, do not trust this relay.'],
  Token: () => ['This relay opens rooms only for those who have a token.', 'Ask its operator, or for an invite to a room that exists.'],
  Limit: (p) => [`A limit of the relay is in the way (${String(p)}); what you said is kept and sent later where it can be.`, 'Wait a little, or ask the relay’s operator.'],
  Frozen: (p) => [`The relay’s operator froze this room${operators(p)}. What you say is kept here.`, 'Ask the relay’s operator.'],
  JoinFrozen: (p) => [`The relay’s operator froze this room${operators(p)}. Nobody comes in meanwhile.`, 'Ask the relay’s operator.'],
  Thawed: () => ['The relay’s operator lets this room go on.', 'What you said meanwhile is sent now.'],
  OpenerFrozen: (p) => [`The relay’s operator lets you, or your network, open no rooms${operators(p)}.`, 'Ask the relay’s operator.'],
  Out: (p) => [`${OUT[String(p)] ?? ''} It is out, and asks to be let back in; what you say meanwhile waits.`, 'Wait until another member is online; otherwise join again by a new invite.'],
  Back: (p) => ['This device follows the room again.', (p as { has_missed?: boolean }).has_missed ? 'What was said meanwhile cannot be read here: ask the others.' : NOTHING],
  OtherRules: () => ['While this device was out, who moderates this room or what holds in it has changed.', 'Ask the others whether that is right.'],
  JoinsUnwitnessed: (p) => [`${c(p, 'joins')} people and devices came in, and nobody who was there before has said anything since.`, NOTHING],
  ReturnRefused: () => ['The others do not know the state by which this device came back; it asks for another one.', NOTHING],
  Bridged: () => ['The relay lost changes that this device has taken; the room goes on with them.', NOTHING],
  Undone: (p) => [`A majority undid the change at entry ${c(p, 'entry')}, and what came after it.`, 'Look at the list of members.'],
  TakenBack: () => ['The last change of this room was taken back: not everybody could follow it.', 'Look at the list of members.'],
  PlaceLost: () => ['The relay says that this device’s join was dropped; it joins again by its link.', 'If this happens again, do not trust this relay.'],
  AnotherCame: () => ['This device’s place was taken up by somebody who has its keys: a copy is in use.', 'If that was not you, leave your rooms and begin anew.'],
  InvalidCommit: () => ['A change of this room was refused: it breaks a rule.', NOTHING],
  CommitMisplaced: () => ['The relay put a change of this device in the wrong place; it is made again.', NOTHING],
  Forged: (p) => [`Entry ${c(p, 'entry')} of the log is a forgery, or no envelope; it was refused.`, 'If this happens again, do not trust this relay.'],
  NotTheirs: (p) => [`${c(p, 'who')} tried to change a message of somebody else; it was refused.`, NOTHING],
  Unreadable: () => ['An entry could not be read; it was probably said before you joined.', NOTHING],
  MissedByNewcomer: () => ['What you said cannot be read by some who joined while it was on its way.', 'Say it again if it is meant for them, too.'],
  Group: (p) => [`The room’s group refused a step: ${c(p, 'error')}.`, 'Reload; if it stays, join again by a new invite.'],
};

export const closes: Record<string, Say<string>> = {
  Left: () => 'You left the room.',
  LeftEarly: () => 'You left before you were in.',
  Removed: (r) => `${c(r, 'by')} removed this device from the room. ${NEW_LINK}`,
  RemovedByOwn: () => `Another device of yours took this one out of the room. ${NEW_LINK}`,
  RemovedByOwnUnseen: () => `The relay says that another device of yours took this one out of the room, or that your account has another key. ${NEW_LINK}`,
  ChangeUndone: () => `The relay says that more than half of this room’s devices undid a change of this one. ${NEW_LINK}`,
  KeyReplaced: () => `Your account has another key by now, and this device has the old one. ${NEW_LINK}`,
  RemovedAndVoted: () => `This device was removed from the room, and has voted against that. ${NEW_LINK}`,
  RemovedOrNotTaken: () => `This device was removed, or its join was not taken. ${NEW_LINK}`,
  LockedOut: () => `The relay does not let this device into the room: it was removed, or the relay lost the room. ${NEW_LINK}`,
  Dropped: (r) => `The relay’s operator dropped this room${operators(r)}. Make a new one to talk on.`,
  OpenerFrozen: () => 'The relay did not open the room. Ask its operator.',
  Superseded: () => 'This account connected to the room from somewhere else with the same keys. Use it in one place only.',
  LinkNotTrusted: () => 'The link is not to be trusted: what lies at the relay for it is not what its maker signed. Ask for a new one.',
  InviteDead: () => 'The relay does not know this invite: it expired, was used up or was revoked. Ask for a new one.',
  InviteOver: () => 'The relay no longer accepts this invite. Ask for a new one.',
  InviteExpired: () => 'The invite expired before the join reached the relay. Ask for a new one.',
  InviteUnusable: () => 'The invite cannot be used. Ask for a new one.',
  JoinReplaced: () => `Another change of the room took the place of this join. ${NEW_LINK}`,
  OrderBroken: () => `The relay broke the order of the room’s log. ${NEW_LINK}`,
  RoomFull: () => 'The room is full. Ask a member to make room, and join again.',
  NameTaken: () => 'Somebody opened a room of this name before you. Choose another name.',
  NoToken: () => 'The relay did not open the room. Ask its operator for a link with a token.',
};
