import { useSignalEffect } from '@preact/signals';

import { words } from '../words';
import { Icon } from './bits';
import { Composer } from './composer';
import { List } from './list';
import { act, atEnd, client, current, info, isFocused, items, open, progress, sheet, typing, view } from './model';

export function Chat() {
  const w = words.value;
  const room = info.value;
  const shown = view.value;
  // What is seen at the end of the list, by somebody who looks at it, is read.
  useSignalEffect(() => {
    const last = items.value.at(-1);
    const known = info.value;
    if (!last || !known || !atEnd.value || !isFocused.value || current.value !== known.id) return;
    if (known.unread > 0 || known.loud) void client.call('seen', known.id, last.place[0]).catch(() => {});
  });
  if (!room) return null;
  const who = [...typing.value.values()].map(({ who }) => who.name);
  const step = progress.value;
  return (
    <main class="chat" aria-label={room.name}>
      <header>
        <button class="icon-button to-rooms" type="button" aria-label={w.back} onClick={() => void open(null)}>
          <Icon name="back" />
        </button>
        <button class="title" type="button" onClick={() => (sheet.value = 'room')}>
          <span class="room-name">
            <bdi>{room.name}</bdi>
          </span>
          <span class="small">
            {shown ? shown.topic || w.memberCount(shown.members.length) : room.over === null && w.entering}
          </span>
        </button>
        <button class="icon-button" type="button" aria-label={w.invite} onClick={() => (sheet.value = 'invite')}>
          <Icon name="link" />
        </button>
        <button class="icon-button" type="button" aria-label={w.members} onClick={() => (sheet.value = 'members')}>
          <Icon name="people" />
        </button>
      </header>
      {step && <p class="progress small">{w.catchingUp(step.done, step.total)}</p>}
      <List />
      <p class="typing small" aria-live="polite">
        {who.length > 0 && w.typing(who)}
      </p>
      {room.over === null ? (
        <Composer />
      ) : (
        <div class="over">
          <p>{w.told({ Closed: room.over }).text}</p>
          <button type="button" onClick={() => void act(client.call('forget', room.id))}>
            {w.forget}
          </button>
        </div>
      )}
    </main>
  );
}
