// What opens above a room: members, invites, settings.

import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import type { Member } from '../api';
import { choose as chooseLanguage, language, languages, words } from '../words';
import { Face, Icon } from './bits';
import { short } from './landing';
import { act, client, current, info, invite, me, open, sheet, state, verifying, view } from './model';
import { copy } from './row';
import { choose as chooseTheme, theme, type Theme } from './theme';
import { moment } from './times';

export function Sheets() {
  const w = words.value;
  switch (sheet.value) {
    case 'members':
      return (
        <Sheet title={w.members}>
          <Members />
        </Sheet>
      );
    case 'invite':
      return (
        <Sheet title={w.invite}>
          <Invite />
        </Sheet>
      );
    case 'room':
      return (
        <Sheet title={w.roomSheet}>
          <RoomSheet />
        </Sheet>
      );
    case 'settings':
      return (
        <Sheet title={w.settings}>
          <Settings />
        </Sheet>
      );
    default:
      return null;
  }
}

function Sheet({ title, children }: { title: string; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = box.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  const close = (): void => {
    sheet.value = null;
    verifying.value = null;
  };
  return (
    <dialog
      ref={box}
      class="sheet"
      aria-label={title}
      onClose={close}
      onClick={(event) => {
        if (event.target === box.current) close();
      }}
    >
      <div class="sheet-body">
        <header>
          <h2>{title}</h2>
          <button class="icon-button" type="button" aria-label={words.value.close} onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

function Members() {
  const w = words.value;
  const shown = view.value;
  if (!shown) return <p>{w.entering}</p>;
  return (
    <ul class="members">
      {shown.members.map((member) => (
        <MemberRow key={member.person.id} member={member} />
      ))}
    </ul>
  );
}

function MemberRow({ member }: { member: Member }) {
  const w = words.value;
  const room = current.value ?? '';
  const { person } = member;
  const isOpen = verifying.value === person.id;
  const signs = [
    member.me && w.you,
    member.moderator && w.moderator,
    member.verified && `✓ ${w.verified}`,
    !member.heard && !member.me && w.silent,
  ].filter(Boolean);
  return (
    <li>
      <button
        type="button"
        class="member"
        aria-expanded={isOpen}
        disabled={member.me}
        onClick={() => (verifying.value = isOpen ? null : person.id)}
      >
        <Face who={person} />
        <span>
          <bdi class="name">{person.name}</bdi> <bdi>{member.glyph}</bdi>
          <span class="small block">
            <code>{short(person.id)}</code> {signs.length > 0 && `· ${signs.join(' · ')}`}
          </span>
          {member.status !== '' && <bdi class="small block">{member.status}</bdi>}
          <span class="small block">{w.devices(member.devices)}</span>
        </span>
      </button>
      {isOpen && (
        <div class="member-open">
          <Safety who={member} />
          {view.value?.iModerate && (
            <p class="buttons">
              <button type="button" onClick={() => void act(client.call('moderator', room, person.id, !member.moderator))}>
                {member.moderator ? w.unmakeModerator : w.makeModerator}
              </button>
              <Sure
                label={w.expel}
                question={w.expelSure(person.name)}
                then={() => void act(client.call('expel', room, person.id)).then(() => (verifying.value = null))}
              />
            </p>
          )}
        </div>
      )}
    </li>
  );
}

function Safety({ who }: { who: Member }) {
  const w = words.value;
  const digits = useSignal('');
  const { id, name } = who.person;
  useEffect(() => {
    void client.call('safety', id).then((found) => (digits.value = found), () => {});
  }, [id]);
  return (
    <section>
      <h3>{w.safety}</h3>
      <p class="digits">
        {digits.value.split(' ').map((group, at) => (
          <span key={at}>{group}</span>
        ))}
      </p>
      <p class="small">{w.safetyText(name)}</p>
      <button type="button" class={who.verified ? '' : 'primary'} onClick={() => void act(client.call('verify', id, !who.verified))}>
        {who.verified ? w.unverify : w.same}
      </button>
    </section>
  );
}

function Sure({ label, question, then }: { label: string; question: string; then: () => void }) {
  const isAsked = useSignal(false);
  return isAsked.value ? (
    <span class="sure">
      <span>{question}</span>
      <button type="button" class="danger" onClick={then}>
        {label}
      </button>
      <button type="button" onClick={() => (isAsked.value = false)}>
        {words.value.cancel}
      </button>
    </span>
  ) : (
    <button type="button" class="danger" onClick={() => (isAsked.value = true)}>
      {label}
    </button>
  );
}

function Invite() {
  const w = words.value;
  const room = current.value;
  const made = invite.value;
  useEffect(() => {
    if (room !== null && !made && info.value?.joined) void act(client.call('invite', room));
  }, []);
  return (
    <>
      <p>{w.inviteText}</p>
      {made && (
        <>
          <p class="invite-link">
            <code>{made.link}</code>
          </p>
          <p class="buttons">
            <button type="button" class="primary" onClick={() => void copy(made.link)}>
              {w.copy}
            </button>
          </p>
          {made.expires > 0 && <p class="small">{w.until(moment(made.expires))}</p>}
        </>
      )}
    </>
  );
}

const TIMES = [0, 300, 3_600, 86_400, 604_800];

function RoomSheet() {
  const w = words.value;
  const room = current.value;
  const shown = view.value;
  const topic = useSignal(shown?.topic ?? '');
  if (room === null) return null;
  return (
    <>
      {shown && (
        <>
          <section>
            <h3>{w.topic}</h3>
            {shown.iModerate ? (
              <form
                class="row"
                onSubmit={(event) => {
                  event.preventDefault();
                  void act(client.call('topic', room, topic.value));
                }}
              >
                <label class="grow">
                  <span class="hidden">{w.topic}</span>
                  <input value={topic.value} onInput={(event) => (topic.value = event.currentTarget.value)} />
                </label>
                <button type="submit" disabled={topic.value === shown.topic}>
                  {w.save}
                </button>
              </form>
            ) : (
              <p>
                <bdi>{shown.topic || w.noTopic}</bdi>
              </p>
            )}
          </section>
          <section>
            <h3>{w.disappear}</h3>
            <label>
              <span class="hidden">{w.disappear}</span>
              <select
                disabled={!shown.iModerate}
                value={String(shown.disappear)}
                onChange={(event) => void act(client.call('disappear', room, Number(event.currentTarget.value)))}
              >
                {[...new Set([...TIMES, shown.disappear])].map((seconds) => (
                  <option key={seconds} value={String(seconds)}>
                    {seconds === 0 ? w.never : w.after(seconds)}
                  </option>
                ))}
              </select>
            </label>
          </section>
          <section>
            <h3>{w.authenticator}</h3>
            <p class="digits">
              <code>{shown.authenticator.slice(0, 32).replace(/(.{8})(?=.)/g, '$1 ')}</code>
            </p>
            <p class="small">{w.authenticatorText}</p>
          </section>
        </>
      )}
      <p class="buttons">
        <Sure
          label={w.leave}
          question={w.leaveSure(info.value?.name ?? '')}
          then={() => {
            sheet.value = null;
            void act(client.call('leave', room)).then((left) => (left ? open(null) : undefined));
          }}
        />
      </p>
    </>
  );
}

function Settings() {
  const w = words.value;
  const known = state.value;
  const name = useSignal(me.value?.name ?? '');
  const phrase = useSignal('');
  return (
    <>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          void act(client.call('rename', name.value));
        }}
      >
        <label class="grow">
          {w.name}
          <input maxLength={64} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} />
        </label>
        <button type="submit" disabled={name.value.trim() === '' || name.value === me.value?.name}>
          {w.save}
        </button>
      </form>
      <label>
        {w.languageOf}
        <select value={language.value} onChange={(event) => chooseLanguage(event.currentTarget.value)}>
          {Object.entries(languages).map(([tag, one]) => (
            <option key={tag} value={tag} lang={tag}>
              {one.language}
            </option>
          ))}
        </select>
      </label>
      <label>
        {w.theme}
        <select value={theme.value} onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}>
          {(['system', 'light', 'dark'] as const).map((one) => (
            <option key={one} value={one}>
              {w.themes[one]}
            </option>
          ))}
        </select>
      </label>
      <section>
        <h3>{w.fingerprint}</h3>
        <p class="digits">
          <code>{me.value?.id.replace(/(.{8})(?=.)/g, '$1 ')}</code>
        </p>
      </section>
      <section>
        <h3>{w.phrase}</h3>
        <p class="small">{w.phraseText}</p>
        {phrase.value === '' ? (
          <button type="button" onClick={() => void act(client.call('phrase').then((text) => (phrase.value = text)))}>
            {w.show}
          </button>
        ) : (
          <p class="digits">{phrase.value}</p>
        )}
      </section>
      <section>
        <h3>{w.stored}</h3>
        <p class="small">{known?.persisted ? w.storedKept : w.storedLoose}</p>
      </section>
      <p class="trust">{w.trust}</p>
    </>
  );
}
