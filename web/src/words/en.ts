import type { Fault, Told } from '../api';
import { alarms, closes, problems } from './en-told';
import { content, kind, told, type Names } from './told';

export const en = {
  tag: 'en',
  language: 'English',
  rooms: 'Rooms',
  noRooms: 'No rooms yet. Open an invite link, or make a room.',
  newRoom: 'New room',
  roomName: 'Name of the room',
  make: 'Make',
  back: 'Back to the rooms',
  close: 'Close',
  cancel: 'Cancel',
  pickRoom: 'Choose a room',
  welcome: 'Welcome to Schat',
  welcomeText: 'Group chat that only its members can read. The relay in between sees sealed envelopes.',
  yourName: 'Your name',
  yourNameHint: 'The others in the room see it. You can change it later.',
  begin: 'Begin',
  haveLink: 'Paste an invite link',
  look: 'Open link',
  reading: 'Asking the relay where this link leads …',
  invites: (who: string, room: string) => `${who} invites you to “${room}”`,
  inviterKey: (key: string) => `Key of whoever invites: ${key}`,
  join: 'Join',
  joining: 'Joining …',
  asName: (name: string) => `You join as ${name}`,
  trust:
    'In a browser you trust whoever serves this page, each time you open it: they could serve another one that reads along. The installed program does not have this weakness.',
  message: 'Message',
  messageTo: (room: string) => `Message to ${room}`,
  send: 'Send',
  save: 'Save',
  reply: 'Reply',
  edit: 'Edit',
  remove: 'Delete',
  copy: 'Copy text',
  react: 'React',
  actions: 'Actions',
  replyingTo: (who: string) => `Reply to ${who}`,
  editingLine: 'Editing your message',
  edited: 'edited',
  deleted: 'deleted',
  you: 'you',
  onItsWay: 'On its way …',
  handed: (who: string) => `as ${who} remembers it`,
  fileLine: (name: string) => `File “${name}”: the installed program fetches files; this page cannot yet.`,
  typing: (who: string[]) => (who.length === 1 ? `${who[0]} is typing …` : `${who.join(', ')} are typing …`),
  toEnd: 'To the newest message',
  newMessages: 'New messages',
  unreadLine: 'New',
  members: 'Members',
  memberCount: (n: number) => (n === 1 ? '1 member' : `${n} members`),
  moderator: 'moderator',
  silent: 'not heard of yet',
  verified: 'verified',
  devices: (names: string[]) => names.join(', '),
  verify: 'Verify',
  unverify: 'Not verified any more',
  makeModerator: 'Make a moderator',
  unmakeModerator: 'Moderator no more',
  expel: 'Remove from the room',
  expelSure: (who: string) => `Remove ${who} with all devices?`,
  safety: 'Safety number',
  safetyText: (who: string) =>
    `Compare all of these digits with ${who}, face to face or on the phone. If they are the same on both sides, nobody stands between you.`,
  same: 'They are the same',
  invite: 'Invite',
  inviteText: 'Whoever has this link can join. It is secret: send it only to those you mean.',
  makeLink: 'Make a link',
  copied: 'Copied',
  until: (when: string) => `Valid until ${when}`,
  settings: 'Settings',
  name: 'Name',
  languageOf: 'Language',
  theme: 'Appearance',
  themes: { system: 'As the system', light: 'Light', dark: 'Dark' },
  fingerprint: 'Your fingerprint',
  phrase: 'Recovery phrase',
  phraseText:
    'These twelve words are your account’s recovery key: a device that still has the account gives it another key with them, after one was stolen. They bring nothing back that this browser loses. Write them on paper; show them to nobody.',
  show: 'Show',
  stored: 'Storage',
  storedKept: 'The browser keeps what is stored here until you clear it.',
  storedLoose:
    'The browser may throw away what is stored here when it needs room, and your keys with it. Bookmark the page or install it, so that it is kept.',
  relay: (authority: string) => `Relay ${authority}`,
  connected: 'Connected',
  connecting: 'Connecting …',
  catchingUp: (done: number, total: number) => `Reading ${done} of ${total} …`,
  entering: 'Entering the room …',
  roomSheet: 'Room',
  topic: 'Topic',
  noTopic: 'No topic',
  authenticator: 'Authenticator of this epoch',
  authenticatorText: 'All members see the same digits here, or the relay shows them different rooms.',
  disappear: 'Messages disappear',
  never: 'never',
  after: (seconds: number) => `after ${duration(seconds)}`,
  leave: 'Leave the room',
  leaveSure: (room: string) => `Leave “${room}”? What was said in it goes from this browser.`,
  forget: 'Forget this room',
  whyTitle: 'Why?',
  why: 'Why?',
  accept: 'Go on with this relay',
  today: 'Today',
  yesterday: 'Yesterday',
  fault(fault: Fault): string {
    if (typeof fault === 'object') return told(fault.told, names).text;
    return {
      link: 'This is no invite link, or it is incomplete: copy all of it.',
      elsewhere: 'This link leads to another relay. Open it in a tab of its own.',
      relay: 'The relay does not prove that it is the one that the link names. Ask whoever gave you the link.',
      name: 'This name cannot be shown: take 1 to 64 letters, without hidden ones.',
      silent: 'The relay does not answer. Look at your network, then try again.',
      store: 'This browser could not store it, so it was not done. Free some space, or leave private browsing.',
      gone: 'That is not possible any more.',
      profile: 'There is no account in this browser yet.',
      damaged: 'That could not be read.',
    }[fault];
  },
  trouble: {
    store: 'This browser cannot store anything: nothing is sent until it can. Free some space, or leave private browsing.',
    unread: 'A room cannot be read from what this browser stored. It is tried again; if it stays, join again by a new link.',
    crash: 'The core stopped and was started again from what was stored.',
    evicted: 'The browser took this page’s storage away, and your keys with it. Without a backup, join again by new links.',
  },
  told: (what: Told) => told(what, names),
};

const names: Names = {
  alarms,
  problems,
  closes,
  happened: {
    MemberJoined: (what) => `${content(what, 'who.name')} joined`,
    MemberLeft: (what) =>
      content(what, 'who.name') === content(what, 'by.name')
        ? `${content(what, 'who.name')} left`
        : `${content(what, 'by.name')} removed ${content(what, 'who.name')}`,
    DeviceJoined: (what) => `${content(what, 'who.name')} joined with another device: ${content(what, 'device.name')}`,
    DeviceLeft: (what) => `${content(what, 'device.name')} of ${content(what, 'who.name')} is gone`,
    KeyChanged: (what) => `The account of ${content(what, 'who.name')} has another key`,
    DeviceBack: (what) => `A device of ${content(what, 'name')} is back`,
    ProfileChanged: (what) =>
      content(what, 'was') === content(what, 'who.name')
        ? `${content(what, 'who.name')} changed what they say of themselves`
        : `${content(what, 'was')} is now ${content(what, 'who.name')}`,
    Disappearing: (what) =>
      Number(content(what, 'seconds')) === 0
        ? `${content(what, 'by.name')}: messages stay`
        : `${content(what, 'by.name')}: messages disappear after ${duration(Number(content(what, 'seconds')))}`,
    Topic: (what) => `${content(what, 'by.name')} set the topic: ${content(what, 'text')}`,
    Lost: () => 'The relay lost a part of this room’s log; it stays here',
    Accepted: () => 'Going on',
  },
  stranger: (what) => [
    `${content(what, 'who.name')} joined and is not verified. Everybody else here is.`,
    'Compare the safety number before you say what matters; a moderator can remove whoever nobody knows.',
  ],
  over: 'This room is over',
  other: (what) => `Something happened: ${kind(what)}`,
};

function duration(seconds: number): string {
  const units: [number, string][] = [[86_400, 'day'], [3_600, 'hour'], [60, 'minute'], [1, 'second']];
  const [size, unit] = units.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, 'second'];
  const count = seconds / size;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
