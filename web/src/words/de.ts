import type { Fault, Told } from '../api';
import { alarms, closes, problems } from './de-told';
import type { Words } from './index';
import { content, kind, told, type Names } from './told';

export const de: Words = {
  tag: 'de',
  language: 'Deutsch',
  rooms: 'Räume',
  noRooms: 'Noch keine Räume. Öffne einen Einladungslink, oder mach einen Raum.',
  newRoom: 'Neuer Raum',
  roomName: 'Name des Raums',
  make: 'Anlegen',
  back: 'Zurück zu den Räumen',
  close: 'Schließen',
  cancel: 'Abbrechen',
  pickRoom: 'Wähle einen Raum',
  welcome: 'Willkommen bei Schat',
  welcomeText: 'Gruppenchat, den nur seine Mitglieder lesen. Das Relay dazwischen sieht versiegelte Umschläge.',
  yourName: 'Dein Name',
  yourNameHint: 'Die anderen im Raum sehen ihn. Du kannst ihn später ändern.',
  begin: 'Anfangen',
  haveLink: 'Einladungslink einfügen',
  look: 'Link öffnen',
  reading: 'Das Relay wird gefragt, wohin dieser Link führt …',
  invites: (who: string, room: string) => `${who} lädt dich in „${room}“ ein`,
  inviterKey: (key: string) => `Schlüssel, der einlädt: ${key}`,
  join: 'Beitreten',
  joining: 'Beitritt …',
  asName: (name: string) => `Du trittst als ${name} bei`,
  trust:
    'Im Browser vertraust du jedes Mal dem, der diese Seite ausliefert: er könnte eine andere ausliefern, die mitliest. Das installierte Programm hat diese Schwäche nicht.',
  message: 'Nachricht',
  messageTo: (room: string) => `Nachricht an ${room}`,
  send: 'Senden',
  save: 'Sichern',
  reply: 'Antworten',
  edit: 'Ändern',
  remove: 'Löschen',
  copy: 'Text kopieren',
  react: 'Reagieren',
  actions: 'Aktionen',
  replyingTo: (who: string) => `Antwort an ${who}`,
  editingLine: 'Du änderst deine Nachricht',
  edited: 'geändert',
  deleted: 'gelöscht',
  you: 'du',
  onItsWay: 'Unterwegs …',
  handed: (who: string) => `wie ${who} es in Erinnerung hat`,
  fileLine: (name: string) => `Datei „${name}“: das installierte Programm holt Dateien; diese Seite noch nicht.`,
  typing: (who: string[]) => (who.length === 1 ? `${who[0]} schreibt …` : `${who.join(', ')} schreiben …`),
  toEnd: 'Zur neuesten Nachricht',
  newMessages: 'Neue Nachrichten',
  unreadLine: 'Neu',
  members: 'Mitglieder',
  memberCount: (n: number) => (n === 1 ? '1 Mitglied' : `${n} Mitglieder`),
  moderator: 'moderiert',
  silent: 'noch nichts gehört',
  verified: 'bestätigt',
  devices: (names: string[]) => names.join(', '),
  verify: 'Bestätigen',
  unverify: 'Nicht mehr bestätigt',
  makeModerator: 'Moderieren lassen',
  unmakeModerator: 'Nicht mehr moderieren lassen',
  expel: 'Aus dem Raum entfernen',
  expelSure: (who: string) => `${who} mit allen Geräten entfernen?`,
  safety: 'Sicherheitsnummer',
  safetyText: (who: string) =>
    `Vergleiche alle diese Ziffern mit ${who}, von Angesicht zu Angesicht oder am Telefon. Sind sie auf beiden Seiten gleich, steht niemand zwischen euch.`,
  same: 'Sie sind gleich',
  invite: 'Einladen',
  inviteText: 'Wer diesen Link hat, kann beitreten. Er ist geheim: schick ihn nur denen, die du meinst.',
  makeLink: 'Link machen',
  copied: 'Kopiert',
  until: (when: string) => `Gültig bis ${when}`,
  settings: 'Einstellungen',
  name: 'Name',
  languageOf: 'Sprache',
  theme: 'Aussehen',
  themes: { system: 'Wie das System', light: 'Hell', dark: 'Dunkel' },
  fingerprint: 'Dein Fingerabdruck',
  phrase: 'Wiederherstellungssatz',
  phraseText:
    'Diese zwölf Wörter sind der Wiederherstellungsschlüssel deines Kontos: ein Gerät, das das Konto noch hat, gibt ihm damit einen anderen Schlüssel, wenn eines gestohlen wurde. Was dieser Browser verliert, bringen sie nicht zurück. Schreib sie auf Papier; zeig sie niemandem.',
  show: 'Zeigen',
  stored: 'Speicher',
  storedKept: 'Der Browser hebt auf, was hier gespeichert ist, bis du es löschst.',
  storedLoose:
    'Der Browser darf wegwerfen, was hier gespeichert ist, wenn er Platz braucht, und deine Schlüssel mit. Setz ein Lesezeichen oder installiere die Seite, damit er es aufhebt.',
  relay: (authority: string) => `Relay ${authority}`,
  connected: 'Verbunden',
  connecting: 'Verbindet …',
  catchingUp: (done: number, total: number) => `Liest ${done} von ${total} …`,
  entering: 'Der Raum wird betreten …',
  roomSheet: 'Raum',
  topic: 'Thema',
  noTopic: 'Kein Thema',
  authenticator: 'Authenticator dieser Epoche',
  authenticatorText: 'Alle Mitglieder sehen hier dieselben Ziffern, sonst zeigt das Relay ihnen verschiedene Räume.',
  disappear: 'Nachrichten verschwinden',
  never: 'nie',
  after: (seconds: number) => `nach ${duration(seconds)}`,
  leave: 'Raum verlassen',
  leaveSure: (room: string) => `„${room}“ verlassen? Was darin gesagt wurde, verschwindet aus diesem Browser.`,
  forget: 'Diesen Raum vergessen',
  whyTitle: 'Warum?',
  why: 'Warum?',
  accept: 'Mit diesem Relay weitermachen',
  today: 'Heute',
  yesterday: 'Gestern',
  fault(fault: Fault): string {
    if (typeof fault === 'object') return told(fault.told, names).text;
    return {
      link: 'Das ist kein Einladungslink, oder er ist unvollständig: kopiere ihn ganz.',
      elsewhere: 'Dieser Link führt zu einem anderen Relay. Öffne ihn in einem eigenen Tab.',
      relay: 'Das Relay beweist nicht, dass es das ist, das der Link nennt. Frag, wer dir den Link gegeben hat.',
      name: 'Dieser Name kann nicht gezeigt werden: nimm 1 bis 64 Buchstaben, keine verborgenen.',
      silent: 'Das Relay antwortet nicht. Prüf dein Netz, dann versuch es noch einmal.',
      store: 'Dieser Browser konnte es nicht speichern, also ist es nicht geschehen. Schaff Platz, oder verlass den privaten Modus.',
      gone: 'Das geht nicht mehr.',
      profile: 'In diesem Browser gibt es noch kein Konto.',
      damaged: 'Das war nicht zu lesen.',
    }[fault];
  },
  trouble: {
    store: 'Dieser Browser kann nichts speichern: bis dahin wird nichts gesendet. Schaff Platz, oder verlass den privaten Modus.',
    unread: 'Ein Raum ist aus dem, was dieser Browser gespeichert hat, nicht zu lesen. Es wird wieder versucht; wenn es bleibt, tritt mit einem neuen Link bei.',
    crash: 'Der Kern ist stehen geblieben und wurde aus dem Gespeicherten neu gestartet.',
    evicted: 'Der Browser hat den Speicher dieser Seite genommen, und deine Schlüssel mit. Ohne Sicherung: tritt mit neuen Links bei.',
  },
  told: (what: Told) => told(what, names),
};

const names: Names = {
  alarms,
  problems,
  closes,
  happened: {
    MemberJoined: (what) => `${content(what, 'who.name')} ist beigetreten`,
    MemberLeft: (what) =>
      content(what, 'who.name') === content(what, 'by.name')
        ? `${content(what, 'who.name')} ist gegangen`
        : `${content(what, 'by.name')} hat ${content(what, 'who.name')} entfernt`,
    DeviceJoined: (what) => `${content(what, 'who.name')} ist mit einem weiteren Gerät da: ${content(what, 'device.name')}`,
    DeviceLeft: (what) => `${content(what, 'device.name')} von ${content(what, 'who.name')} ist weg`,
    KeyChanged: (what) => `Das Konto von ${content(what, 'who.name')} hat einen anderen Schlüssel`,
    DeviceBack: (what) => `Ein Gerät von ${content(what, 'name')} ist zurück`,
    ProfileChanged: (what) =>
      content(what, 'was') === content(what, 'who.name')
        ? `${content(what, 'who.name')} sagt etwas anderes von sich`
        : `${content(what, 'was')} heißt jetzt ${content(what, 'who.name')}`,
    Disappearing: (what) =>
      Number(content(what, 'seconds')) === 0
        ? `${content(what, 'by.name')}: Nachrichten bleiben`
        : `${content(what, 'by.name')}: Nachrichten verschwinden nach ${duration(Number(content(what, 'seconds')))}`,
    Topic: (what) => `${content(what, 'by.name')} hat das Thema gesetzt: ${content(what, 'text')}`,
    Lost: () => 'Das Relay hat einen Teil des Protokolls verloren; hier bleibt er',
    Accepted: () => 'Es geht weiter',
  },
  stranger: (what) => [
    `${content(what, 'who.name')} ist beigetreten und nicht bestätigt. Alle anderen hier sind es.`,
    'Vergleicht die Sicherheitsnummer, bevor ihr Wichtiges sagt; wer moderiert, kann entfernen, wen niemand kennt.',
  ],
  over: 'Dieser Raum ist zu Ende',
  other: (what) => `Etwas ist geschehen: ${kind(what)}`,
};

function duration(seconds: number): string {
  const units: [number, string, string][] = [
    [86_400, 'Tag', 'Tagen'], [3_600, 'Stunde', 'Stunden'], [60, 'Minute', 'Minuten'], [1, 'Sekunde', 'Sekunden'],
  ];
  const [size, one, several] = units.find(([size]) => seconds >= size && seconds % size === 0) ?? [1, 'Sekunde', 'Sekunden'];
  const count = seconds / size;
  return `${count} ${count === 1 ? one : several}`;
}
