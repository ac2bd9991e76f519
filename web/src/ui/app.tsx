import { useSignalEffect } from '@preact/signals';

import { language, words } from '../words';
import { Chat } from './chat';
import { Landing } from './landing';
import { current, link, me, sheet, state, toast } from './model';
import { Rooms } from './rooms';
import { Sheets } from './sheets';

export function App() {
  useSignalEffect(() => {
    document.documentElement.lang = language.value;
    const unread = state.value?.rooms.reduce((sum, room) => sum + room.unread, 0) ?? 0;
    document.title = unread > 0 ? `(${unread}) Schat` : 'Schat';
  });
  const known = state.value;
  return (
    <>
      {link.value || (known && !me.value) ? (
        <Landing />
      ) : (
        known && (
          <div class={`frame ${current.value === null ? 'at-rooms' : 'at-chat'}`}>
            <Rooms />
            {current.value === null ? <Nothing /> : <Chat key={current.value} />}
          </div>
        )
      )}
      {sheet.value && <Sheets />}
      <div class="toasts" role="status" aria-live="polite">
        {toast.value && <p class={toast.value.loud ? 'toast loud' : 'toast'}>{toast.value.text}</p>}
      </div>
    </>
  );
}

function Nothing() {
  return (
    <main class="nothing">
      <p>{words.value.pickRoom}</p>
      <p class="trust">{words.value.trust}</p>
    </main>
  );
}
