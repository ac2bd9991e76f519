// A relay that serves the page, native members beside it, and browsers.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = resolve(import.meta.dirname, '..', '..');

/** Far longer than anything takes; only a failing test waits for it. */
export const PATIENCE = 60_000;

export function program(name) {
  const places = [process.env.SCHAT_PROGRAMS, join(ROOT, 'target/debug'), join(ROOT, 'target/release')];
  const found = places.filter(Boolean).map((place) => join(place, name)).find(existsSync);
  if (!found) throw new Error(`no program ${name}: cargo build, or name its folder in SCHAT_PROGRAMS`);
  return found;
}

/** A program that holds nothing up: it ends with the tests, whatever became of them. */
function run(name, given, stdio) {
  const child = spawn(program(name), given, { stdio });
  child.unref();
  for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.unref?.();
  process.on('exit', () => child.kill('SIGKILL'));
  return child;
}

/** Until it has ended: waits itself, since a program holds nothing up. */
async function ended(child, end) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const hold = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  const gone = new Promise((done) => child.once('exit', done));
  end();
  await gone;
  clearTimeout(hold);
}

export function folder() {
  return mkdtempSync(join(tmpdir(), 'schat-web-'));
}

async function freePort() {
  return new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

/** Reads lines until one fits. */
class Lines {
  constructor(stream) {
    this.seen = [];
    this.waiting = [];
    createInterface({ input: stream }).on('line', (text) => {
      let line = text;
      try {
        line = JSON.parse(text);
      } catch {
        // Not JSON: as it is.
      }
      this.seen.push(line);
      for (const one of [...this.waiting]) if (one.fits(line)) one.found(line);
    });
  }

  until(what, fits, from = 0) {
    const already = this.seen.slice(from).find(fits);
    if (already !== undefined) return Promise.resolve(already);
    return new Promise((found, failed) => {
      const late = setTimeout(() => failed(new Error(`never: ${what}`)), PATIENCE);
      const one = {
        fits,
        found: (line) => {
          clearTimeout(late);
          this.waiting.splice(this.waiting.indexOf(one), 1);
          found(line);
        },
      };
      this.waiting.push(one);
    });
  }
}

export class Relay {
  static async start({ dir = folder(), port, web = join(ROOT, 'web/dist'), extra = [] } = {}) {
    const relay = new Relay();
    relay.dir = dir;
    relay.port = port ?? (await freePort());
    relay.web = web;
    relay.extra = extra;
    await relay.run();
    return relay;
  }

  async run() {
    const listen = `127.0.0.1:${this.port}`;
    const given = ['--listen', listen, '--data-dir', this.dir, '--host', 'localhost', '--web-dir', this.web, '--json'];
    this.child = run('relay', [...given, ...this.extra], ['ignore', 'pipe', 'pipe']);
    this.lines = new Lines(this.child.stdout);
    this.errors = new Lines(this.child.stderr);
    const failed = new Promise((_, no) => this.child.once('exit', () => no(new Error(`relay: ${this.errors.seen.join('\n')}`))));
    failed.catch(() => {});
    const line = await Promise.race([this.lines.until('the link of the relay', (line) => JSON.stringify(line).includes('#relay=')), failed]);
    this.link = JSON.stringify(line).match(/(?:schat|https):\/\/[^"\s]+#relay=[^"\s\\]+/)[0];
  }

  get url() {
    return `https://localhost:${this.port}`;
  }

  async stop(signal = 'SIGTERM') {
    await ended(this.child, () => this.child.kill(signal));
  }
}

/** A native member, by its face for programs. */
export class Native {
  static async start(relay, name) {
    const native = new Native();
    native.dir = folder();
    native.name = name;
    const given = ['--json', '--profile', native.dir, '--name', name];
    native.child = run('schat', given, ['pipe', 'pipe', 'pipe']);
    native.lines = new Lines(native.child.stdout);
    native.errors = new Lines(native.child.stderr);
    native.tell({ cmd: 'join', link: relay.link });
    await native.until('the relay', (event) => event.event === 'relay');
    return native;
  }

  tell(command) {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  until(what, fits) {
    return this.lines.until(`${this.name}: ${what}`, fits);
  }

  async ask(command, event) {
    const from = this.lines.seen.length;
    this.tell(command);
    return this.lines.until(`${this.name}: ${event}`, (line) => line.event === event || line.event === 'error', from);
  }

  /** Makes a room; its link as a browser opens it. */
  async room(name) {
    await this.ask({ cmd: 'create', room: name }, 'joined');
    return this.invite(name);
  }

  async invite(room) {
    const { link } = await this.ask({ cmd: 'invite', room }, 'invite');
    return link.replace('schat://', 'https://');
  }

  said(text) {
    return this.until(`“${text}”`, (event) => event.event === 'message' && event.text === text);
  }

  async stop() {
    await ended(this.child, () => {
      this.child.stdin.end();
      this.child.kill('SIGTERM');
    });
    rmSync(this.dir, { recursive: true, force: true });
  }
}
