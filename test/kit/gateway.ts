import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { WorkerView } from '../../admin/views.ts';
import type { Problem } from '../../gateway/snapshot/problem.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';
import { scratchFolder } from './temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../gateway/main.ts', import.meta.url));

export type GatewayOptions = {
  /** Files of the routes folder, by name. */
  readonly routes: Readonly<Record<string, string>>;
  /** Settings merged over the kit's own (which choose free ports and temporary folders). */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly workers?: number;
};

/** The whole program, started as an operator would, with folders and ports of its own. Ends with `stop`. */
export class TestGateway {
  readonly dir: string;
  readonly routesDir: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly healthPort: number;
  readonly metricsPort: number;
  readonly adminPort: number;
  readonly #settingsFile: string;
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(dir: string, ports: readonly number[], options: GatewayOptions) {
    const [httpPort = 0, httpsPort = 0, healthPort = 0, metricsPort = 0, adminPort = 0] = ports;
    this.dir = dir;
    this.routesDir = path.join(dir, 'routes');
    this.httpPort = httpPort;
    this.httpsPort = httpsPort;
    this.healthPort = healthPort;
    this.metricsPort = metricsPort;
    this.adminPort = adminPort;
    this.#settingsFile = path.join(dir, 'gateway.yaml');
    mkdirSync(this.routesDir);
    for (const [name, text] of Object.entries(options.routes)) writeFileSync(path.join(this.routesDir, name), text);
    writeFileSync(this.#settingsFile, stringify({ ...this.#defaults(options), ...options.settings }));
  }

  /** Starts the program and waits until it is ready. */
  static async start(options: GatewayOptions): Promise<TestGateway> {
    const gateway = new TestGateway(scratchFolder('test'), await freePorts(5), options);
    await gateway.boot();
    return gateway;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get socket(): string {
    return path.join(this.dir, 'run', 'admin.sock');
  }

  /** Everything the program wrote so far, both streams. */
  get output(): string {
    return this.#output;
  }

  /** Starts the program (again) on the same folders and ports. */
  async boot(): Promise<void> {
    const child = spawn(process.execPath, [MAIN, 'run', '--settings', this.#settingsFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    endWithUs(child);
    const collect = (chunk: Buffer): void => {
      this.#output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    try {
      await eventually(
        async () => {
          if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`);
          return (await get(this.healthPort, '/healthz/ready')).status === 200;
        },
        { timeoutMs: 60_000, what: 'the gateway becomes ready' },
      );
    } catch (error) {
      await this.terminate();
      throw new Error(`the gateway does not become ready; it said:\n${this.#output}`, { cause: error });
    }
  }

  /** SIGTERM, and waits for the end; returns the exit code. */
  async terminate(): Promise<number | null> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    child.kill('SIGTERM');
    return ended;
  }

  /** Ends the program and removes its folders. */
  async stop(): Promise<void> {
    const kill = setTimeout(() => this.#process?.kill('SIGKILL'), 15_000);
    await this.terminate();
    clearTimeout(kill);
    rmSync(this.dir, { recursive: true, force: true });
  }

  writeRoute(name: string, text: string): void {
    writeFileSync(path.join(this.routesDir, name), text);
  }

  /** The workers as the admin API (over the unix socket) shows them. */
  async workers(): Promise<readonly WorkerView[]> {
    return ((await this.#list('workers')) as { items: WorkerView[] }).items;
  }

  /** The sentences of all current problems. */
  async problems(): Promise<string[]> {
    return ((await this.#list('problems')) as { items: Problem[] }).items.map((problem) => problem.message);
  }

  /** PIDs of the workers, by index. */
  async workerPids(): Promise<number[]> {
    return (await this.workers()).map((worker) => worker.pid);
  }

  async #list(name: string): Promise<unknown> {
    const answer = await request({ socketPath: this.socket, path: `/api/v1/${name}`, headers: { host: 'localhost' } });
    return JSON.parse(answer.body);
  }

  #defaults(options: GatewayOptions): Record<string, unknown> {
    return {
      source: { folder: this.routesDir },
      ports: { 80: this.httpPort, 443: this.httpsPort },
      workers: options.workers ?? 2,
      stateDir: path.join(this.dir, 'state'),
      runtimeDir: path.join(this.dir, 'run'),
      destinations: { allowLoopback: true },
      admin: { address: '127.0.0.1', port: this.adminPort, socket: this.socket },
      health: { address: '127.0.0.1', port: this.healthPort },
      metrics: { address: '127.0.0.1', port: this.metricsPort },
      accessLog: { format: 'off' },
    };
  }
}

/** A test file that is given up leaves no gateway behind. */
function endWithUs(child: ChildProcess): void {
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
}

export type Answer = { readonly status: number; readonly headers: http.IncomingHttpHeaders; readonly body: string };

/** One GET on a connection of its own. */
export function get(port: number, url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return request({ host: '127.0.0.1', port, path: url, headers, agent: false });
}

/** One request with Node's own client; rejects on a broken connection. */
export function request(options: http.RequestOptions, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ timeout: 15_000, ...options }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      response.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in time: ${options.path ?? ''}`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
