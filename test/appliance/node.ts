/**
 * A booted Debian 12 with systemd, the checkout read-only at /checkout, and a client machine one cable away.
 * It leaves nothing behind: namespaces, mounts and processes go with `remove`.
 * Used by the tests in this folder.
 */
import { type ChildProcess, type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const driver = fileURLToPath(new URL('../kit/systemd-node.sh', import.meta.url));
const requestLoop = fileURLToPath(new URL('./request-loop.ts', import.meta.url));
const checkout = fileURLToPath(new URL('../..', import.meta.url));

export type Outcome = { readonly code: number; readonly stdout: string; readonly stderr: string };
export type LoopReport = {
  readonly answered: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly slowestMs: number;
};

/** Runs a program to its end; never throws for an exit code. */
export function run(program: string, args: readonly string[], options: { input?: string } = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { maxBuffer: 1 << 26, timeout: 180_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
      resolve({ code, stdout, stderr });
    });
    // a program that reads nothing may be gone before its input is
    child.stdin?.on('error', () => {}).end(options.input ?? '');
  });
}

export class ApplianceNode {
  readonly address = '10.97.0.2';
  readonly address6 = 'fd97::2';
  readonly clientAddress = '10.97.0.10';
  readonly #name = `mgw${process.pid}`;
  readonly #gateway = `mgw${process.pid}-gw`;
  readonly #client = `mgw${process.pid}-cl`;
  readonly #programs = new Set<ChildProcess>();
  readonly #checkout = copyOfCheckout();

  /** Makes the cable and boots. */
  static async start(): Promise<ApplianceNode> {
    const node = new ApplianceNode();
    try {
      await node.#lay();
      await node.boot();
      return node;
    } catch (error) {
      await node.remove();
      throw error;
    }
  }

  async #lay(): Promise<void> {
    const [gateway, client] = [this.#gateway, this.#client];
    const commands = [
      `netns add ${gateway}`,
      `netns add ${client}`,
      `-n ${gateway} link set lo up`,
      `-n ${client} link set lo up`,
      `-n ${client} link add eth0 type veth peer name eth0 netns ${gateway}`,
      `-n ${client} addr add ${this.clientAddress}/24 dev eth0`,
      `-n ${client} addr add fd97::10/64 dev eth0 nodad`,
      `-n ${gateway} addr add ${this.address}/24 dev eth0`,
      `-n ${gateway} addr add ${this.address6}/64 dev eth0 nodad`,
      `-n ${client} link set eth0 up`,
      `-n ${gateway} link set eth0 up`,
    ];
    for (const command of commands) await must('ip', command.split(' '));
  }

  async boot(): Promise<void> {
    await must(driver, [
      'up',
      this.#name,
      this.#gateway,
      `--bind-ro=${this.#checkout}:/checkout`,
      `--bind-ro=${path.join(checkout, 'node_modules')}:/checkout/node_modules`,
    ]);
  }

  /** An orderly shutdown and a new boot, with the disk kept. */
  async reboot(): Promise<void> {
    await must(driver, ['stop', this.#name]);
    await this.boot();
  }

  /** A new version comes to the checkout that the node installs from. */
  editCheckout(file: string, text: string): void {
    appendFileSync(path.join(this.#checkout, file), text);
  }

  /** A command inside, as root. */
  exec(...command: readonly string[]): Promise<Outcome> {
    return run(driver, ['exec', this.#name, ...command]);
  }

  /** The same, with something to read. */
  execWith(input: string, ...command: readonly string[]): Promise<Outcome> {
    return run(driver, ['exec', this.#name, ...command], { input });
  }

  /** A line for the shell inside; fails when it fails. */
  async sh(line: string): Promise<string> {
    return must(driver, ['exec', this.#name, 'sh', '-c', line]);
  }

  /** A command on the client machine, whose disk is this one's. */
  onClient(command: readonly string[], options: { input?: string } = {}): Promise<Outcome> {
    return run('ip', ['netns', 'exec', this.#client, ...command], options);
  }

  /** The same for a program that stays; it ends when its stdin does, at the latest with the node. */
  spawnOnClient(command: readonly string[]): ChildProcessByStdio<Writable, Readable, null> {
    const child = spawn('ip', ['netns', 'exec', this.#client, ...command], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#programs.add(child);
    child.once('close', () => this.#programs.delete(child));
    return child;
  }

  /** More addresses of the client machine, on the same cable. */
  async addClientAddresses(...addresses: readonly string[]): Promise<void> {
    for (const address of addresses)
      await must('ip', ['-n', this.#client, 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
  }

  /** curl on the client machine. Exit codes: 0 answered, 7 connection refused, 28 too late. */
  curl(...args: readonly string[]): Promise<Outcome> {
    return run('ip', ['netns', 'exec', this.#client, 'curl', '--noproxy', '*', '-sS', '-m', '10', ...args]);
  }

  /** Requests from the client machine without a pause, until `stop`. */
  async loadFromClient(url: string): Promise<{ stop(): Promise<LoopReport> }> {
    const loop = this.spawnOnClient([process.execPath, requestLoop, url]);
    const lines: string[] = [];
    const ended = once(loop, 'close');
    const begun = once(loop.stdout, 'data');
    loop.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(text));
    const late = setTimeout(() => loop.kill('SIGKILL'), 20_000);
    await Promise.race([begun, ended]); // its first answer
    clearTimeout(late);
    if (lines.length === 0) throw new Error(`no answer from ${url} within 20 s`);
    return {
      stop: async () => {
        loop.stdin.end();
        await ended;
        return JSON.parse(lines.join('').trim().split('\n').at(-1) ?? '') as LoopReport;
      },
    };
  }

  async remove(): Promise<void> {
    for (const program of this.#programs) program.kill('SIGKILL');
    await run(driver, ['down', this.#name]);
    for (const name of [this.#gateway, this.#client]) await run('ip', ['netns', 'del', name]);
    rmSync(this.#checkout, { recursive: true, force: true });
  }
}

/** What an installation reads, as it is now: somebody may be editing the checkout while the test runs. */
function copyOfCheckout(): string {
  const copy = mkdtempSync(path.join(tmpdir(), 'mesh-gateway-checkout-'));
  const parts = [
    'install.sh',
    'package.json',
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'gateway',
    'admin',
    'config',
    'docs',
    'systemd',
  ];
  for (const part of [...parts, 'test/kit/build.ts'].filter((part) => existsSync(path.join(checkout, part))))
    cpSync(path.join(checkout, part), path.join(copy, part), { recursive: true });
  mkdirSync(path.join(copy, 'node_modules'));
  return copy;
}

async function must(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}
