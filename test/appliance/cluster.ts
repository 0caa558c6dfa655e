import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Answer } from './answer-watch.ts';
import type { ApplianceNode, Outcome } from './node.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const PODS = ['10.97.0.21', '10.97.0.22'];

/** The client machine as a cluster, with an administrator at its kubectl. Used by the tests in this folder. */
export class ClusterMachine {
  /** For the administrator's files. */
  readonly folder = mkdtempSync(path.join(tmpdir(), 'mesh-gateway-cluster-'));
  readonly #node: ApplianceNode;
  readonly #server: ReturnType<ApplianceNode['spawnOnClient']>;

  private constructor(node: ApplianceNode) {
    this.#node = node;
    const command = [process.execPath, program('./cluster-machine.ts'), node.clientAddress, ...PODS];
    this.#server = node.spawnOnClient(command);
  }

  static async start(node: ApplianceNode): Promise<ClusterMachine> {
    await node.addClientAddresses(...PODS);
    const machine = new ClusterMachine(node);
    const kubeconfig = await outputUntil(machine.#server.stdout, '...\n');
    writeFileSync(machine.#kubeconfig, kubeconfig, { mode: 0o600 });
    return machine;
  }

  /** kubectl in the repository, as administrator unless a kubeconfig is named. */
  kubectl(...args: readonly string[]): Promise<Outcome> {
    return this.shell('exec kubectl "$@"', ...args);
  }

  /** A line for bash in the repository; its arguments are `$1`... */
  shell(line: string, ...args: readonly string[]): Promise<Outcome> {
    const environment = [`KUBECONFIG=${this.#kubeconfig}`, `HOME=${this.folder}`, 'TZ=UTC'];
    return this.#node.onClient(['env', '-C', repository, ...environment, 'bash', '-c', line, 'bash', ...args]);
  }

  /** Asks for `url` again and again, until `stop` tells every answer. */
  async watchAnswers(url: string): Promise<{ stop(): Promise<readonly Answer[]> }> {
    const watch = this.#node.spawnOnClient([process.execPath, program('./answer-watch.ts'), url]);
    await outputUntil(watch.stdout, 'begun\n');
    return {
      stop: async () => {
        watch.stdin.end();
        return JSON.parse(await text(watch.stdout)) as readonly Answer[];
      },
    };
  }

  async stop(): Promise<void> {
    const ended = once(this.#server, 'close');
    this.#server.stdin.end();
    if (this.#server.exitCode === null) await ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #kubeconfig(): string {
    return path.join(this.folder, 'admin.kubeconfig');
  }
}

/** When kubectl, run with -v=6, got its answer to a PATCH: its log line has the time of day. */
export function patchAnsweredAt(log: string): number {
  const [, time] = /^I\d{4} (\d\d:\d\d:\d\d\.\d+) .* PATCH https:\S+ 200 OK in /m.exec(log) ?? [];
  if (time === undefined) throw new Error(`kubectl tells of no PATCH: ${log}`);
  return Date.parse(`${new Date().toISOString().slice(0, 10)}T${time.slice(0, 12)}Z`);
}

/** Reads as far as `end`; the rest stays for others. */
async function outputUntil(stream: Readable, end: string): Promise<string> {
  let output = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    if (output.endsWith(end)) return output;
  }
  throw new Error(`it ended early: ${output}`);
}
