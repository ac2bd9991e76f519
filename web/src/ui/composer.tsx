import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { words } from '../words';
import { Icon } from './bits';
import { act, client, current, editing, info, replyTo } from './model';

/** Others are told at most so often that somebody types, in milliseconds; the core tells no more either. */
const TYPING_EVERY = 3_000;

/** Kept while the page is: what was begun in each room. */
const drafts = new Map<string, string>();

export function Composer() {
  const w = words.value;
  const room = info.value;
  const text = useSignal(drafts.get(room?.id ?? '') ?? '');
  const box = useRef<HTMLTextAreaElement>(null);
  const told = useRef(0);

  useSignalEffect(() => {
    const line = editing.value;
    if (line) text.value = line.text;
    if (line || replyTo.value) box.current?.focus();
  });
  useEffect(() => {
    const area = box.current;
    if (!area) return;
    area.style.height = 'auto';
    area.style.height = `${Math.min(area.scrollHeight, 180)}px`;
  }, [text.value]);
  if (!room) return null;

  const set = (next: string): void => {
    text.value = next;
    if (editing.value) return;
    drafts.set(room.id, next);
    if (next !== '' && Date.now() - told.current > TYPING_EVERY) {
      told.current = Date.now();
      void client.call('typing', room.id, false).catch(() => {});
    }
  };
  const done = (): void => {
    editing.value = null;
    replyTo.value = null;
    text.value = '';
    drafts.delete(room.id);
    told.current = 0;
  };
  const send = async (): Promise<void> => {
    const said = text.value;
    const id = current.value;
    if (said.trim() === '' || id === null) return;
    const [edited, answered] = [editing.value, replyTo.value];
    const token = crypto.randomUUID();
    // Cleared at once, and back if it was not taken.
    done();
    const work = edited
      ? client.call('edit', id, token, edited.id, said)
      : client.call('say', id, token, said, answered?.id ?? null);
    if (!(await act(work)) && text.value === '') {
      text.value = said;
      editing.value = edited;
      replyTo.value = answered;
    }
    box.current?.focus();
  };
  const key = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && (editing.value || replyTo.value)) {
      event.preventDefault();
      done();
    }
    // On a touch screen Enter is a new line, and the button sends.
    const isTouch = matchMedia('(pointer: coarse)').matches;
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || isTouch) return;
    event.preventDefault();
    void send();
  };
  const context = editing.value ?? replyTo.value;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {context && (
        <div class="context small">
          <span>
            {editing.value ? w.editingLine : w.replyingTo(context.from.name)}: <bdi>{context.text.slice(0, 120)}</bdi>
          </span>
          <button class="icon-button" type="button" aria-label={w.cancel} onClick={done}>
            <Icon name="close" />
          </button>
        </div>
      )}
      <div class="input">
        <textarea
          ref={box}
          rows={1}
          dir="auto"
          aria-label={w.messageTo(room.name)}
          placeholder={w.message}
          value={text.value}
          onInput={(event) => set(event.currentTarget.value)}
          onKeyDown={key}
        />
        <button class="send" type="submit" aria-label={editing.value ? w.save : w.send} disabled={text.value.trim() === ''}>
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}
