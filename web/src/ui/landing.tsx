// The first screen: where a link leads, and a name to go in with.

import { useSignal } from '@preact/signals';

import { words } from '../words';
import { isolated } from '../words/told';
import { Dots } from './bits';
import { act, client, enter, follow, link, me, state } from './model';

export function Landing() {
  const w = words.value;
  const name = useSignal('');
  const asked = link.value;
  const isNamed = me.value !== null;
  const mayEnter = (isNamed || name.value.trim() !== '') && !asked?.busy;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!mayEnter) return;
    if (asked?.invitation) return enter(name.value);
    await act(client.call('setUp', name.value).then((next) => (state.value = next)));
  };
  return (
    <main class="landing">
      <div class="card">
        <h1>{w.welcome}</h1>
        {!asked && <p>{w.welcomeText}</p>}
        {asked?.busy && !asked.invitation && (
          <p class="busy">
            <Dots /> {w.reading}
          </p>
        )}
        {asked?.invitation && (
          <div class="invitation">
            <p class="lead">
              {w.invites(isolated(asked.invitation.by.name), isolated(asked.invitation.room))}
            </p>
            <p class="small">{w.inviterKey(short(asked.invitation.by.id))}</p>
          </div>
        )}
        {asked?.fault && (
          <p class="fault" role="alert">
            {w.fault(asked.fault)}
          </p>
        )}
        {(asked?.invitation || !asked) && (
          <form onSubmit={(event) => void submit(event)}>
            {isNamed ? (
              <p>{w.asName(me.value?.name ?? '')}</p>
            ) : (
              <label>
                {w.yourName}
                <input
                  name="name"
                  autocomplete="nickname"
                  maxLength={64}
                  autofocus
                  value={name.value}
                  onInput={(event) => (name.value = event.currentTarget.value)}
                />
                <span class="small">{w.yourNameHint}</span>
              </label>
            )}
            <button class="primary" type="submit" disabled={!mayEnter}>
              {asked ? (asked.busy ? w.joining : w.join) : w.begin}
            </button>
          </form>
        )}
        {asked ? (
          <button class="plain" type="button" onClick={() => (link.value = null)}>
            {w.cancel}
          </button>
        ) : (
          <Paste />
        )}
        <p class="trust">{w.trust}</p>
      </div>
    </main>
  );
}

/** A link by hand. */
export function Paste() {
  const w = words.value;
  const text = useSignal('');
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.value.trim() !== '') void follow(text.value.trim());
      }}
    >
      <label class="grow">
        <span class="hidden">{w.haveLink}</span>
        <input
          name="link"
          autocomplete="off"
          spellcheck={false}
          placeholder={w.haveLink}
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={text.value.trim() === ''}>
        {w.look}
      </button>
    </form>
  );
}

/** The beginning of a fingerprint: enough to tell people apart, not to verify one. */
export function short(id: string): string {
  return id.slice(0, 16).replace(/(.{4})(?=.)/g, '$1 ');
}
