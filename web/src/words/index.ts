// Texts, one file per language.

import { computed, signal } from '@preact/signals';

import { de } from './de';
import { en } from './en';

export type Words = typeof en;

export const languages: Record<string, Words> = { en, de };

const KEY = 'language';

function first(): string {
  const chosen = localStorage.getItem(KEY);
  if (chosen !== null && chosen in languages) return chosen;
  return navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in languages) ?? 'en';
}

export const language = signal(first());

export const words = computed<Words>(() => languages[language.value] ?? en);

export function choose(tag: string): void {
  localStorage.setItem(KEY, tag);
  language.value = tag;
}
