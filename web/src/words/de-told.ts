// Alarme, Probleme und Enden von Räumen: was geschehen ist, und was jemand tun kann.

import type { Told } from '../api';
import { content as c, kind, type Pair } from './told';

const REFUSED = 'Es wurde abgelehnt. Wenn es weitergeht: frag, wer das Relay betreibt, oder zieh mit dem Raum um.';
const ASK = 'Frag die anderen auf einem anderen Weg, was gesagt wurde, und frag, wer das Relay betreibt.';
const FORK = 'Vergleicht den Authenticator auf einem anderen Weg; wenn er verschieden ist, verlasst dieses Relay.';
const BACKUP = 'Wenn du eine Sicherung eingespielt hast, liegt es daran. Sonst frag, wer das Relay betreibt.';
const ACCESS = 'Es wurde abgelehnt. Wenn es weitergeht: frag, wer das Relay betreibt.';
const IMPOSTOR = 'Glaub nichts, was von dort kommt, bevor du auf einem anderen Weg gefragt und die Sicherheitsnummer verglichen hast.';
const RELAY_KEY = 'Vielleicht sitzt jemand zwischen dir und dem Relay. Frag, wer es betreibt; wenn die Änderung echt ist, öffne einen neuen Link eines Mitglieds.';
const NOTHING = 'Nichts zu tun.';
const NEW_LINK = 'Bitte ein Mitglied um eine neue Einladung.';

type Say<T> = (what: unknown) => T;

export const alarms: Record<string, Say<Pair>> = {
  EntryAgain: (a) => [`Das Relay hat Eintrag ${c(a, 'entry')} noch einmal geliefert.`, REFUSED],
  NumberAgain: (a) => [`Eintrag ${c(a, 'entry')} kam schon einmal, oder ist zu alt, um es zu sagen.`, REFUSED],
  MessageAgain: (a) => [`Eine Nachricht von ${c(a, 'from')} kam zweimal; die zweite wurde abgelehnt.`, REFUSED],
  EntriesSkipped: (a) => [`Das Relay hat ${c(a, 'missing')} Einträge im Protokoll dieses Raums übersprungen.`, ASK],
  EntriesExpired: (a) => [`${c(a, 'missing')} Einträge sind beim Relay verfallen, bevor dieses Gerät sie gelesen hat.`, ASK],
  MessagesMissing: (a) => [`${c(a, 'missing')} Nachrichten von ${c(a, 'from')} fehlen.`, ASK],
  CommitNotShown: () => ['Das Relay hat eine Änderung von dir bestätigt und dann nicht gezeigt; sie wird wiederholt.', ASK],
  MessageNotShown: () => ['Das Relay hat eine Nachricht von dir bestätigt und dann nicht gezeigt; sie wird noch einmal gesendet.', ASK],
  JoinNotShown: () => ['Das Relay kennt den Schlüssel dieses Geräts, zeigt aber den Beitritt nicht, der ihn gebracht hat.', ASK],
  TooMuchUnreadable: () => ['Es wurde mehr Unlesbares gesagt, als beim Beitritt unterwegs gewesen sein kann: vielleicht bist du in einem anderen Raum als die anderen.', FORK],
  ViewMissing: (a) => [`${c(a, 'from')} sagt nicht, was vom Protokoll zu sehen war.`, FORK],
  ViewDiffers: (a) => [`${c(a, 'from')} hat ein anderes Protokoll gesehen als dieses Gerät: das Relay täuscht einen von euch.`, FORK],
  HelperViewDiffers: () => ['Wer dieses Gerät wieder hereinlassen will, hat ein anderes Protokoll gesehen: das Relay täuscht einen von euch. Abgelehnt.', FORK],
  JoinsUnwitnessed: (a) => [`${c(a, 'joins')} Menschen und Geräte kamen herein, und niemand von vorher hat seitdem etwas gesagt: das Relay kann anderen ein anderes Protokoll gezeigt haben.`, FORK],
  TooFewVotes: (a) => [`Eintrag ${c(a, 'entry')} behauptet eine Mehrheit und zeigt zu wenige Stimmen. Das Relay täuscht dieses Gerät.`, FORK],
  UndoingHidden: (a) => [`Mehr als die Hälfte hat gegen die Änderung bei ${c(a, 'undone')} gestimmt, und das Relay nimmt sie nicht zurück.`, FORK],
  FalseCommit: (a) => [`Eintrag ${c(a, 'entry')} ist eine Änderung, die dort niemand machen darf. Das Relay täuscht dieses Gerät.`, FORK],
  FalseVote: (a) => [`Eintrag ${c(a, 'entry')} ist eine Stimme, die dort niemand abgeben darf. Das Relay täuscht dieses Gerät.`, FORK],
  FalseWord: (a) => [`Eintrag ${c(a, 'entry')} trägt das Wort eines Mitglieds, das es nicht gegeben hat. Das Relay täuscht dieses Gerät.`, FORK],
  PassedBy: (a) => [`Eintrag ${c(a, 'entry')} steht auf einer Änderung, die schon überholt war. Das Relay zeigt verschiedene Protokolle.`, FORK],
  OwnRemovalUndone: (a) => [`Eintrag ${c(a, 'entry')} würde die Entfernung dessen zurücknehmen, der ihn gemacht hat. Das Relay hilft einem Entfernten.`, FORK],
  FalselyRemoved: (a) => [`Das Relay behauptet, Eintrag ${c(a, 'entry')} habe dieses Gerät entfernt, das ihn gelesen hat und Mitglied ist.`, FORK],
  OtherLastCommit: (a) => [`Das Relay nennt eine andere letzte Änderung (${c(a, 'named')}), als sein Protokoll zeigt (${c(a, 'read')}).`, FORK],
  JoinMisplaced: () => ['Das Relay zeigt diesen Beitritt an einer anderen Stelle: die anderen können ihn nicht angenommen haben.', FORK],
  Reported: (a) => [`${c(a, 'by.name') || c(a, 'by')} meldet Fehlverhalten des Relays.`, ASK],
  TimeBackwards: (a) => [`Eintrag ${c(a, 'entry')} ist älter als der davor: die Uhr des Relays lief rückwärts.`, BACKUP],
  LogShorter: (a) => [`Das Protokoll endet bei ${c(a, 'head')}, gelesen wurde schon bis ${c(a, 'read')}: das Relay wurde zurückgesetzt, oder es verbirgt Nachrichten.`, BACKUP],
  OwnMessageUnknown: () => ['Dieses Gerät soll etwas gesagt haben, das dieser Browser nicht kennt: eine Kopie seines Speichers ist anderswo in Gebrauch.', BACKUP],
  OwnCommitUnknown: () => ['Die Schlüssel dieses Geräts haben den Raum geändert, ohne dass dieser Browser davon weiß: eine Kopie ist anderswo in Gebrauch.', BACKUP],
  HandedOldState: () => ['Der Zustand, mit dem dieses Gerät zurückkommen sollte, passt nicht zum Protokoll; er wurde abgelehnt.', BACKUP],
  AccessDiffers: (a) => [`Eintrag ${c(a, 'entry')} ändert beim Relay etwas anderes als in der Gruppe.`, ACCESS],
  JoinAccessDiffers: () => ['Der Beitritt dieses Geräts änderte beim Relay etwas anderes als verlangt.', ACCESS],
  Impostor: (a) => [`Jemand namens „${c(a, 'who.name')}“ ist hier, mit einem anderen Schlüssel als „${c(a, 'owner.name')}“, den du kennst.`, IMPOSTOR],
  DeviceLinked: (a) => [`${c(a, 'who.name')}, von dir bestätigt, hat ein Gerät verbunden: ${c(a, 'device')}.`, 'Frag auf einem anderen Weg, ob das stimmt.'],
  KeyReplaced: (a) => [`${c(a, 'who.name')}, von dir bestätigt, hat den Schlüssel des Kontos gewechselt. Der Wiederherstellungsschlüssel sagt es.`, 'Frag auf einem anderen Weg.'],
  ReplacedKeyUsed: (a) => [`${c(a, 'who.name')} ist mit einem Konto hier, dessen Schlüssel ersetzt wurde. Vielleicht hat jemand ein verlorenes Gerät.`, IMPOSTOR],
  RelayKeyChanged: (a) => [
    c(a, 'key') === ''
      ? 'Das Relay weist nicht nach, dass es das aus dem Link dieses Raums ist. In diesem Raum wird nichts gesendet.'
      : 'Das Relay hat einen anderen Schlüssel als den aus dem Link dieses Raums. In diesem Raum wird nichts gesendet.',
    RELAY_KEY,
  ],
  RelayKeyTaken: () => [
    'Ein Link nannte einen anderen Schlüssel des Relays, als dieser Raum kannte. Ab jetzt gilt hier der neue.',
    'Frag auf einem anderen Weg die Person, von der der Link ist, ob das Relay neu aufgesetzt wurde. Wenn nicht, verlass dieses Relay.',
  ],
  KeyReplacedTwice: (a) => [`${c(a, 'who.name')} zeigt einen Ersatz des Kontos, und ein anderer war schon bekannt.`, IMPOSTOR],
};

const RIGHTS: Record<string, string> = {
  Remove: 'Nur Moderierende entfernen andere.',
  MakeModerators: 'Nur Moderierende ernennen Moderierende.',
  ChangePolicy: 'Nur Moderierende ändern, was der Raum erlaubt.',
  ChangeTopic: 'Nur Moderierende sagen, worum es im Raum geht.',
  Invite: 'In diesem Raum laden nur Moderierende ein.',
  Revoke: 'Nur Moderierende widerrufen Einladungen anderer.',
};

const OUT: Record<string, string> = {
  Commit: 'Andere haben eine Änderung angenommen, die dieses Gerät nicht lesen kann.',
  Away: 'Dieses Gerät war länger weg, als das Relay Nachrichten aufhebt.',
  OldProfile: 'Dieses Gerät ist auf einem älteren Stand, als der Raum von ihm kennt.',
  Undone: 'Eine Mehrheit hat zurückgenommen, was dieses Gerät angenommen hatte.',
  Restored: 'Das Relay hat Änderungen verloren, die dieses Gerät hat.',
  Backup: 'Dieses Gerät kommt aus einer Sicherung, die diesen Raum nicht öffnet.',
};

const SAID: Record<string, Pair> = {
  Empty: ['Es gibt nichts zu senden.', 'Schreib etwas.'],
  TooLong: ['Die Nachricht ist zu lang.', 'Sende sie in Teilen.'],
  Emoji: ['Eine Reaktion ist ein Emoji oder ein kurzes Wort.', 'Nimm ein anderes.'],
  Id: ['Das ist keine Nachricht.', NOTHING],
  File: ['Diese Datei kann nicht gesendet werden.', 'Sende eine andere.'],
};

const operators = (what: unknown): string => (c(what, 'reason') ? `: „${c(what, 'reason')}“` : '');

export const problems: Record<string, Say<Pair>> = {
  NotJoined: () => ['Dieses Gerät ist noch nicht im Raum.', 'Warte, bis es beigetreten ist.'],
  Leaving: () => ['Dieses Gerät verlässt gerade den Raum.', 'Tritt mit einer neuen Einladung wieder bei.'],
  Said: (p) => SAID[kind(p as Told)] ?? SAID.Id!,
  OutboxFull: () => ['Zu viele Nachrichten warten auf das Relay; diese wurde nicht angenommen.', 'Warte, bis das Relay wieder da ist.'],
  BadName: () => ['Dieser Name kann nicht gezeigt werden.', 'Nimm einen anderen.'],
  BadProfile: () => ['Das kann nicht gezeigt werden.', 'Nimm etwas Kürzeres, Einfacheres.'],
  BadTopic: () => ['Dieses Thema ist zu lang oder kann nicht gezeigt werden.', 'Sag es kürzer.'],
  NotModerator: (p) => [RIGHTS[String(p)] ?? 'Das dürfen nur Moderierende.', 'Frag jemanden davon; die Mitgliederliste zeigt sie.'],
  NoSuchMember: () => ['Niemand im Raum hat diesen Fingerabdruck.', 'Sieh in die Mitgliederliste.'],
  LastModerator: () => ['Ein Raum hat mindestens einen, der moderiert.', 'Ernenne zuerst jemand anderen.'],
  LastModeratorStays: () => ['Du moderierst als Letzte oder Letzter und kannst nicht gehen, solange andere da sind.', 'Ernenne jemanden, dann geh.'],
  OwnDevicesStay: () => ['Das ist der Raum deiner eigenen Geräte: keines geht von selbst.', 'Nimm es auf einem anderen Gerät heraus.'],
  TooManyModerators: (p) => [`Ein Raum hat höchstens ${c(p, 'most')} Moderierende.`, 'Nimm jemandem das Recht, der es nicht braucht.'],
  BadPolicy: (p) => [`Eine Person darf 1 bis ${c(p, 'most')} Geräte haben.`, 'Wähle eine Zahl dazwischen.'],
  TooManyInvites: () => ['Der Raum hat so viele gültige Einladungen, wie er darf.', 'Widerrufe eine mit dem installierten Programm.'],
  BadTime: () => ['Dieser Zeitpunkt ist schon vorbei.', 'Wähle einen späteren.'],
  NoSuchInvite: () => ['Diese Einladung gibt es nicht.', NOTHING],
  OpenRoom: () => ['Dieser Raum ist offen: wer den Namen kennt, kommt hinein.', 'Mach einen privaten Raum.'],
  NoInvite: () => ['Es konnte keine Einladung gemacht werden: andere waren schneller, oder nur Moderierende dürfen noch.', 'Versuch es noch einmal.'],
  NothingToAccept: () => ['In diesem Raum gibt es nichts zu bestätigen.', NOTHING],
  RelayRestored: () => ['Das Relay wurde aus einer Sicherung wiederhergestellt: was seither gesagt wurde, ist dort weg. Der Raum steht still, bis du zustimmst.', 'Frag, wer das Relay betreibt, ob das stimmt, dann mach weiter.'],
  LostAtRestore: (p) => [`Mit der Wiederherstellung gingen ${c(p, 'missing')} Nachrichten von ${c(p, 'from')} verloren, bevor dieses Gerät sie gelesen hatte.`, 'Frag, was gesagt wurde.'],
  LedAstray: () => ['Das Relay hat dieses Gerät über das Ende des Protokolls hinaus geführt: es wird nichts gesendet.', 'Vergleicht auf einem anderen Weg, was ihr seht, dann mach weiter.'],
  NotSent: (p) => [`${c(p, 'messages')} deiner Nachrichten in diesem Raum wurden nicht gesendet.`, 'Sag sie in einem Raum, in dem du bist.'],
  ChangeRefused: () => ['Das Relay hat eine Änderung des Raums endgültig abgelehnt.', 'Sag es, wer das Relay betreibt.'],
  MessageRefused: () => ['Das Relay hat eine Nachricht endgültig abgelehnt; sie wurde nicht gesendet.', 'Sag es, wer das Relay betreibt.'],
  RoomRefused: (p) => [`Das Relay hat den Raum nicht eröffnet (${c(p, 'code')}).`, 'Frag, wer das Relay betreibt.'],
  NoRoomState: () => ['Das Relay hat die Einladung angenommen, aber keinen Zustand des Raums geschickt.', 'Versuch es noch einmal.'],
  NoLedger: () => ['Das Relay sagt nicht, wer in diesem Raum was darf; dieses Gerät kann es nicht prüfen.', 'Wenn das immer so ist, trau diesem Relay nicht.'],
  Token: () => ['Dieses Relay eröffnet Räume nur mit einem Token.', 'Frag, wer es betreibt, oder nach einer Einladung in einen Raum, den es gibt.'],
  Limit: (p) => [`Eine Grenze des Relays ist im Weg (${String(p)}); was du gesagt hast, bleibt hier und wird später gesendet.`, 'Warte ein wenig, oder frag, wer das Relay betreibt.'],
  Frozen: (p) => [`Dieser Raum wurde beim Relay eingefroren${operators(p)}. Was du sagst, bleibt hier.`, 'Frag, wer das Relay betreibt.'],
  JoinFrozen: (p) => [`Dieser Raum wurde beim Relay eingefroren${operators(p)}. Solange kommt niemand hinein.`, 'Frag, wer das Relay betreibt.'],
  Thawed: () => ['Der Raum geht weiter.', 'Was du inzwischen gesagt hast, wird jetzt gesendet.'],
  OpenerFrozen: (p) => [`Das Relay lässt dich, oder dein Netz, keine Räume eröffnen${operators(p)}.`, 'Frag, wer das Relay betreibt.'],
  Out: (p) => [`${OUT[String(p)] ?? ''} Es ist draußen und bittet um Einlass; was du sagst, wartet.`, 'Warte, bis jemand anderes da ist; sonst tritt mit einer neuen Einladung bei.'],
  Back: (p) => ['Dieses Gerät folgt dem Raum wieder.', (p as { has_missed?: boolean }).has_missed ? 'Was inzwischen gesagt wurde, ist hier nicht zu lesen: frag die anderen.' : NOTHING],
  OtherRules: () => ['Während dieses Gerät draußen war, hat sich geändert, wer moderiert oder was hier gilt.', 'Frag die anderen, ob das stimmt.'],
  JoinsUnwitnessed: (p) => [`${c(p, 'joins')} Menschen und Geräte kamen herein, und niemand von vorher hat seitdem etwas gesagt.`, NOTHING],
  ReturnRefused: () => ['Die anderen kennen den Zustand nicht, mit dem dieses Gerät zurückkam; es bittet um einen anderen.', NOTHING],
  Bridged: () => ['Das Relay hat Änderungen verloren, die dieses Gerät hat; der Raum geht mit ihnen weiter.', NOTHING],
  Undone: (p) => [`Eine Mehrheit hat die Änderung bei Eintrag ${c(p, 'entry')} zurückgenommen, und was danach kam.`, 'Sieh in die Mitgliederliste.'],
  TakenBack: () => ['Die letzte Änderung des Raums wurde zurückgenommen: nicht alle konnten ihr folgen.', 'Sieh in die Mitgliederliste.'],
  PlaceLost: () => ['Das Relay sagt, der Beitritt dieses Geräts sei verworfen; es tritt mit seinem Link noch einmal bei.', 'Wenn das wieder geschieht, trau diesem Relay nicht.'],
  AnotherCame: () => ['Jemand mit den Schlüsseln dieses Geräts hat seinen Platz eingenommen: eine Kopie ist in Gebrauch.', 'Wenn du das nicht warst, verlass deine Räume und fang neu an.'],
  InvalidCommit: () => ['Eine Änderung des Raums wurde abgelehnt: sie verletzt eine Regel.', NOTHING],
  CommitMisplaced: () => ['Das Relay hat eine Änderung dieses Geräts an die falsche Stelle gesetzt; sie wird wiederholt.', NOTHING],
  Forged: (p) => [`Eintrag ${c(p, 'entry')} ist eine Fälschung oder kein Umschlag; er wurde abgelehnt.`, 'Wenn das wieder geschieht, trau diesem Relay nicht.'],
  NotTheirs: (p) => [`${c(p, 'who')} wollte die Nachricht von jemand anderem ändern; abgelehnt.`, NOTHING],
  Unreadable: () => ['Ein Eintrag war nicht zu lesen; er stammt wohl von vor deinem Beitritt.', NOTHING],
  MissedByNewcomer: () => ['Was du gesagt hast, können einige nicht lesen, die währenddessen beigetreten sind.', 'Sag es noch einmal, wenn es auch für sie ist.'],
  Group: (p) => [`Die Gruppe des Raums hat einen Schritt abgelehnt: ${c(p, 'error')}.`, 'Lade neu; wenn es bleibt, tritt mit einer neuen Einladung bei.'],
};

export const closes: Record<string, Say<string>> = {
  Left: () => 'Du hast den Raum verlassen.',
  LeftEarly: () => 'Du bist gegangen, bevor du drin warst.',
  Removed: (r) => `${c(r, 'by')} hat dieses Gerät aus dem Raum entfernt. ${NEW_LINK}`,
  RemovedByOwn: () => `Ein anderes deiner Geräte hat dieses aus dem Raum genommen. ${NEW_LINK}`,
  RemovedByOwnUnseen: () => `Das Relay sagt, ein anderes deiner Geräte habe dieses aus dem Raum genommen, oder dein Konto habe einen anderen Schlüssel. ${NEW_LINK}`,
  ChangeUndone: () => `Das Relay sagt, mehr als die Hälfte der Geräte dieses Raumes habe eine Änderung von diesem rückgängig gemacht. ${NEW_LINK}`,
  KeyReplaced: () => `Dein Konto hat inzwischen einen anderen Schlüssel, und dieses Gerät hat den alten. ${NEW_LINK}`,
  RemovedAndVoted: () => `Dieses Gerät wurde entfernt und hat dagegen gestimmt. ${NEW_LINK}`,
  RemovedOrNotTaken: () => `Dieses Gerät wurde entfernt, oder sein Beitritt nicht angenommen. ${NEW_LINK}`,
  LockedOut: () => `Das Relay lässt dieses Gerät nicht in den Raum: es wurde entfernt, oder das Relay hat den Raum verloren. ${NEW_LINK}`,
  Dropped: (r) => `Dieser Raum wurde beim Relay gelöscht${operators(r)}. Macht einen neuen.`,
  OpenerFrozen: () => 'Das Relay hat den Raum nicht eröffnet. Frag, wer es betreibt.',
  Superseded: () => 'Dieses Konto hat sich mit denselben Schlüsseln von anderswo verbunden. Benutze es nur an einem Ort.',
  LinkNotTrusted: () => 'Dem Link ist nicht zu trauen: was beim Relay dafür liegt, hat sein Macher nicht unterschrieben. Bitte um einen neuen.',
  InviteDead: () => 'Das Relay kennt diese Einladung nicht: abgelaufen, aufgebraucht oder widerrufen. Bitte um eine neue.',
  InviteOver: () => 'Das Relay nimmt diese Einladung nicht mehr an. Bitte um eine neue.',
  InviteExpired: () => 'Die Einladung lief ab, bevor der Beitritt das Relay erreichte. Bitte um eine neue.',
  InviteUnusable: () => 'Die Einladung ist unbrauchbar. Bitte um eine neue.',
  JoinReplaced: () => `Eine andere Änderung hat den Platz dieses Beitritts genommen. ${NEW_LINK}`,
  OrderBroken: () => `Das Relay hat die Reihenfolge im Protokoll gebrochen. ${NEW_LINK}`,
  RoomFull: () => 'Der Raum ist voll. Bitte ein Mitglied, Platz zu machen, und tritt noch einmal bei.',
  NameTaken: () => 'Jemand hat vor dir einen Raum dieses Namens eröffnet. Nimm einen anderen.',
  NoToken: () => 'Das Relay hat den Raum nicht eröffnet. Frag, wer es betreibt, nach einem Link mit Token.',
};
