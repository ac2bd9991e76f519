import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import type { Line, Note, Waiting } from '../api';
import { words } from '../words';
import { Face, hue, Icon } from './bits';
import { act, client, current, editing, info, items, me, replyTo, say, view, why } from './model';
import { clock, moment } from './times';
import { Text } from './text';

/** Reactions that are one tap away. */
const REACTIONS = ['👍', '❤️', '😂', '😮', '😢', '🎉'];

export function LineRow({ line, goesOn }: { line: Line; goesOn: boolean }) {
  const w = words.value;
  const isOpen = useSignal(false);
  return (
    <article class={`line${line.mine ? ' mine' : ''}${isOpen.value ? ' open' : ''}`}>
      {goesOn ? <span class="face-space" /> : <Face who={line.from} />}
      <div class="bubble">
        {!goesOn && (
          <p class="by">
            <bdi class={`name ${hue(line.from.id)}`}>{line.from.name}</bdi>
            <time class="small" title={moment(line.at)}>
              {clock(line.at)}
            </time>
            {line.handedBy && <span class="small">{w.handed(line.handedBy.name)}</span>}
          </p>
        )}
        {line.replyTo !== null && <Quote id={line.replyTo} />}
        {line.deleted ? (
          <p class="text small">{w.deleted}</p>
        ) : (
          <p class="text" dir="auto">
            <Text text={line.text} />
            {line.edited && <span class="small"> ({w.edited})</span>}
          </p>
        )}
        {line.file !== null && !line.deleted && <p class="small file">{w.fileLine(line.file)}</p>}
        {line.reactions.length > 0 && (
          <p class="reactions">
            {line.reactions.map((reaction) => {
              const ours = reaction.people.some((who) => who.id === me.value?.id);
              return (
                <button
                  key={reaction.emoji}
                  type="button"
                  class="reaction"
                  aria-pressed={ours}
                  title={reaction.people.map((who) => who.name).join(', ')}
                  onClick={() => react(line, reaction.emoji, ours)}
                >
                  <bdi>{reaction.emoji}</bdi> {reaction.people.length}
                </button>
              );
            })}
          </p>
        )}
        {isOpen.value && <Actions line={line} close={() => (isOpen.value = false)} />}
      </div>
      {!line.deleted && info.value?.over === null && (
        <button
          class="icon-button line-menu"
          type="button"
          aria-label={w.actions}
          aria-expanded={isOpen.value}
          onClick={() => (isOpen.value = !isOpen.value)}
        >
          <Icon name="more" />
        </button>
      )}
    </article>
  );
}

function Actions({ line, close }: { line: Line; close: () => void }) {
  const w = words.value;
  const room = current.value ?? '';
  const ours = (emoji: string): boolean =>
    line.reactions.some((reaction) => reaction.emoji === emoji && reaction.people.some((who) => who.id === me.value?.id));
  const then = (work: () => void) => () => {
    close();
    work();
  };
  return (
    <div class="actions" role="group" aria-label={w.actions}>
      {REACTIONS.map((emoji) => (
        <button key={emoji} type="button" class="reaction" aria-label={`${w.react} ${emoji}`} onClick={then(() => react(line, emoji, ours(emoji)))}>
          {emoji}
        </button>
      ))}
      <button
        type="button"
        onClick={then(() => {
          editing.value = null;
          replyTo.value = line;
        })}
      >
        {w.reply}
      </button>
      <button type="button" onClick={then(() => void copy(line.text))}>
        {w.copy}
      </button>
      {line.mine && line.file === null && (
        <button
          type="button"
          onClick={then(() => {
            replyTo.value = null;
            editing.value = line;
          })}
        >
          {w.edit}
        </button>
      )}
      {line.mine && (
        <button type="button" class="danger" onClick={then(() => void act(client.call('remove', room, crypto.randomUUID(), line.id)))}>
          {w.remove}
        </button>
      )}
    </div>
  );
}

export async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text).then(
    () => say(words.value.copied),
    () => {},
  );
}

function react(line: Line, emoji: string, withdrawn: boolean): void {
  const room = current.value;
  if (room !== null) void act(client.call('react', room, crypto.randomUUID(), line.id, emoji, withdrawn));
}

/** The line that another one answers: from what is shown, else from the store. */
function Quote({ id }: { id: string }) {
  const shown = items.value.find((item): item is Line => item.kind === 'line' && item.id === id);
  const fetched = useSignal<Line | null>(null);
  const room = current.value;
  const isMissing = shown === undefined;
  useEffect(() => {
    if (isMissing && room !== null) {
      client.call('line', room, id).then((line) => (fetched.value = line), () => {});
    }
  }, [isMissing, room, id]);
  const line = shown ?? fetched.value;
  if (!line) return null;
  return (
    <blockquote class={`quote ${hue(line.from.id)}`}>
      <bdi class="name">{line.from.name}</bdi> <bdi class="quoted">{line.deleted ? words.value.deleted : line.text}</bdi>
    </blockquote>
  );
}

export function WaitingRow({ waiting }: { waiting: Waiting }) {
  const mine = view.value?.members.find((member) => member.me);
  return (
    <div class="row-box">
      <article class="line mine waiting">
        {mine ? <Face who={mine.person} /> : <span class="face-space" />}
        <div class="bubble">
          <p class="text" dir="auto">
            <Text text={waiting.text} />
          </p>
          <p class="small">{words.value.onItsWay}</p>
        </div>
      </article>
    </div>
  );
}

export function NoteRow({ note }: { note: Note }) {
  const w = words.value;
  const { text, level, remedy } = w.told(note.what);
  return (
    <p class={`note ${level}`} role={level === 'alarm' ? 'alert' : undefined}>
      {level === 'alarm' && <strong>⚠ </strong>}
      <span>{text}</span>
      {remedy !== '' && (
        <button type="button" class="plain why" onClick={() => (why.value = why.value === note ? null : note)} aria-expanded={why.value === note}>
          {w.why}
        </button>
      )}
      {why.value === note && <span class="remedy">{remedy}</span>}
      {why.value === note && isAsking(note) && (
        <button type="button" onClick={() => current.value !== null && void act(client.call('accept', current.value))}>
          {w.accept}
        </button>
      )}
    </p>
  );
}

/** The room stands still until somebody agrees. */
function isAsking(note: Note): boolean {
  const problem = typeof note.what === 'object' ? note.what.Problem : undefined;
  return problem === 'RelayRestored' || problem === 'LedAstray';
}
