// What was said: at most some 180 rows, whatever the room holds. Reading on at an edge fetches more there, and lets go at the other.

import { useLayoutEffect, useRef } from 'preact/hooks';

import type { Item } from '../api';
import { words } from '../words';
import { Icon } from './bits';
import { atEnd, hasBefore, isUnseen, items, keyOf, more, toEnd, waiting } from './model';
import { LineRow, NoteRow, WaitingRow } from './row';
import { day } from './times';

/** So near to an edge more is fetched, in pixels. */
const EDGE = 600;

/** Lines of one person within this time stand together, in milliseconds. */
const TOGETHER = 5 * 60_000;

interface Anchor {
  key: string;
  top: number;
}

export function List() {
  const w = words.value;
  const box = useRef<HTMLDivElement>(null);
  const sticks = useRef(true);
  const anchor = useRef<Anchor | null>(null);
  const busy = useRef(false);
  const all = items.value;

  // Whoever reads stays where they read; whoever is at the end stays there.
  useLayoutEffect(() => {
    const list = box.current;
    if (!list) return;
    const held = anchor.current;
    if (sticks.current && atEnd.value) list.scrollTop = list.scrollHeight;
    else if (held) {
      const row = list.querySelector<HTMLElement>(`[data-key="${held.key}"]`);
      if (row) list.scrollTop += row.offsetTop - list.scrollTop - held.top;
    }
    remember();
  });

  useLayoutEffect(() => {
    const list = box.current;
    if (!list) return undefined;
    const sized = new ResizeObserver(() => {
      if (sticks.current && atEnd.value) list.scrollTop = list.scrollHeight;
    });
    sized.observe(list);
    return () => sized.disconnect();
  }, []);

  function remember(): void {
    const list = box.current;
    if (!list) return;
    const rows = list.querySelectorAll<HTMLElement>('[data-key]');
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const row = rows[middle]!;
      if (row.offsetTop + row.offsetHeight <= list.scrollTop) low = middle + 1;
      else high = middle;
    }
    const row = rows[low];
    anchor.current = row ? { key: row.dataset.key ?? '', top: row.offsetTop - list.scrollTop } : null;
  }

  async function scrolled(): Promise<void> {
    const list = box.current;
    if (!list) return;
    const below = list.scrollHeight - list.scrollTop - list.clientHeight;
    sticks.current = below < 60;
    if (sticks.current && atEnd.value) isUnseen.value = false;
    remember();
    if (busy.current) return;
    busy.current = true;
    if (list.scrollTop < EDGE && hasBefore.value) await more(true);
    else if (below < EDGE && !atEnd.value) await more(false);
    busy.current = false;
  }

  const down = async (): Promise<void> => {
    sticks.current = true;
    if (!atEnd.value) await toEnd();
    const list = box.current;
    if (list) list.scrollTop = list.scrollHeight;
    isUnseen.value = false;
  };

  return (
    <div class="list-frame">
      <div class="list" ref={box} onScroll={() => void scrolled()} role="log" aria-label={w.message} tabIndex={0}>
        {all.map((item, at) => (
          <Row key={keyOf(item.place)} item={item} before={all[at - 1]} />
        ))}
        {atEnd.value && waiting.value.map((one) => <WaitingRow key={one.id} waiting={one} />)}
      </div>
      {(!atEnd.value || isUnseen.value) && (
        <button class="to-end" type="button" onClick={() => void down()} aria-label={w.toEnd}>
          {isUnseen.value && <span>{w.newMessages}</span>}
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}

function Row({ item, before }: { item: Item; before: Item | undefined }) {
  const today = day(item.at);
  const isNewDay = !before || day(before.at) !== today;
  const goesOn =
    !isNewDay &&
    item.kind === 'line' &&
    before?.kind === 'line' &&
    before.from.id === item.from.id &&
    before.handedBy?.id === item.handedBy?.id &&
    item.at - before.at < TOGETHER;
  return (
    <div class={goesOn ? 'row-box goes-on' : 'row-box'} data-key={keyOf(item.place)}>
      {isNewDay && (
        <p class="day">
          <span>{today}</span>
        </p>
      )}
      {item.kind === 'line' ? <LineRow line={item} goesOn={goesOn} /> : <NoteRow note={item} />}
    </div>
  );
}
