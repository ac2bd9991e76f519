// The one policy by which this page makes something that runs: addresses that the build knows, and no others.

interface Policy {
  createScriptURL(url: string): string;
}

interface Factory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy;
}

const rules = {
  createScriptURL(url: string): string {
    const whole = new URL(url, location.href);
    const isOurs = whole.pathname.startsWith('/assets/') || whole.pathname === '/sw.js';
    if (whole.origin !== location.origin || !isOurs) throw new TypeError('not ours');
    return whole.href;
  },
};

const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;

export const policy: Policy = factory?.createPolicy('schat', rules) ?? rules;
