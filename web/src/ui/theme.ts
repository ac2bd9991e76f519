import { signal } from '@preact/signals';

const KEY = 'theme';

export type Theme = 'system' | 'light' | 'dark';

export const theme = signal<Theme>((localStorage.getItem(KEY) as Theme | null) ?? 'system');

export function apply(): void {
  const { value } = theme;
  if (value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
}

export function choose(next: Theme): void {
  theme.value = next;
  localStorage.setItem(KEY, next);
  apply();
}
