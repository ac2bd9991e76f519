import { useSignal } from '@preact/signals';

import { words } from '../words';
import { Icon } from './bits';
import { Paste } from './landing';
import { act, client, current, open, sheet, state } from './model';
import { clock } from './times';

export function Rooms() {
  const w = words.value;
  const known = state.value;
  const name = useSignal('');
  const create = (event: Event): void => {
    event.preventDefault();
    if (name.value.trim() === '') return;
    void act(
      client.call('create', name.value.trim()).then((room) => {
        name.value = '';
        return open(room);
      }),
    );
  };
  return (
    <nav class="rooms" aria-label={w.rooms}>
      <header>
        <h1>{w.rooms}</h1>
        <button class="icon-button" type="button" aria-label={w.settings} onClick={() => (sheet.value = 'settings')}>
          <Icon name="gear" />
        </button>
      </header>
      <p class={known?.up ? 'link-state' : 'link-state down'} role="status" title={known?.way ?? undefined}>
        {known?.up ? w.relay(known.authority) : w.connecting}
      </p>
      {known?.rooms.length === 0 && <p class="empty">{w.noRooms}</p>}
      <ul>
        {known?.rooms.map((room) => (
          <li key={room.id}>
            <button
              type="button"
              class="room"
              aria-current={current.value === room.id ? 'true' : undefined}
              onClick={() => void open(room.id)}
            >
              <span class="room-name">
                <bdi>{room.name}</bdi>
              </span>
              {room.last && <time class="small">{clock(room.last.at)}</time>}
              <span class="room-last small">
                {room.over !== null
                  ? w.told({ Closed: room.over }).text
                  : room.last && (
                      <bdi>
                        {room.last.from}: {room.last.text}
                      </bdi>
                    )}
              </span>
              {room.unread > 0 && <span class={room.loud ? 'badge loud' : 'badge'}>{room.unread}</span>}
              {room.unread === 0 && room.loud && <span class="badge loud">!</span>}
            </button>
          </li>
        ))}
      </ul>
      <footer>
        <form class="row" onSubmit={create}>
          <label class="grow">
            <span class="hidden">{w.roomName}</span>
            <input
              name="room"
              autocomplete="off"
              maxLength={64}
              placeholder={w.newRoom}
              value={name.value}
              onInput={(event) => (name.value = event.currentTarget.value)}
            />
          </label>
          <button type="submit" disabled={name.value.trim() === ''}>
            {w.make}
          </button>
        </form>
        <Paste />
      </footer>
    </nav>
  );
}
