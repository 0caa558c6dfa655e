import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DemoPlan, prepareDemo } from '#gateway/demo/demo.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';

const MAIN = fileURLToPath(new URL('../../gateway/main.ts', import.meta.url));
const OWN_PORTS = [31380, 31390, 15000, 15021, 15090];
const BACKENDS_PORT = 18080;

/** What `npm start` runs, in a folder of its own (whose path has a space) and on free ports. Ends with `remove`. */
export class TestDemo {
  readonly root: string;
  readonly plan: DemoPlan;
  readonly httpPort: number;
  readonly httpsPort: number;
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(root: string, plan: DemoPlan, ports: readonly number[]) {
    const [httpPort = 0, httpsPort = 0] = ports;
    this.root = root;
    this.plan = plan;
    this.httpPort = httpPort;
    this.httpsPort = httpsPort;
  }

  /** Starts the demo and waits until it has printed its table, which it does once traffic is served. */
  static async start(): Promise<TestDemo> {
    const root = mkdtempSync(path.join(tmpdir(), 'mesh gateway demo '));
    const ports = await freePorts(OWN_PORTS.length + 1);
    const { folder } = await prepareDemo(root);
    replaceNumbers(folder.settingsFile, OWN_PORTS, ports);
    replaceNumbers(folder.backendsFile, [BACKENDS_PORT], ports.slice(OWN_PORTS.length));
    const demo = new TestDemo(root, await prepareDemo(root), ports);
    await demo.boot();
    return demo;
  }

  /** Everything the demo wrote so far, both streams. */
  get output(): string {
    return this.#output;
  }

  /** PEM of the authority that signed the demo's certificate. */
  get ca(): string {
    return readFileSync(this.plan.folder.caFile, 'utf8');
  }

  async boot(): Promise<void> {
    const child = spawn(process.execPath, [MAIN, 'demo'], { cwd: this.root, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    this.#output = '';
    const collect = (chunk: Buffer): void => {
      this.#output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    await eventually(() => this.#output.includes('Ctrl-C') || child.exitCode !== null, { timeoutMs: 30_000 });
    if (child.exitCode !== null) throw new Error(`the demo ended with ${child.exitCode}:\n${this.#output}`);
  }

  /** What Ctrl-C does; returns the exit code. */
  async interrupt(): Promise<number | null> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    const [code] = (await ended) as [number | null];
    return code;
  }

  async remove(): Promise<void> {
    const kill = setTimeout(() => this.#process?.kill('SIGKILL'), 40_000);
    await this.interrupt();
    clearTimeout(kill);
    rmSync(this.root, { recursive: true, force: true });
  }
}

function replaceNumbers(file: string, from: readonly number[], to: readonly number[]): void {
  const text = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    from.reduce((result, number, index) => result.replaceAll(`${number}`, `${to[index]}`), text),
  );
}
