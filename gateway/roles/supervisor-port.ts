import { readFile } from 'node:fs/promises';
import type { ProcessCollection } from '#admin/views.ts';
import type { Fleet, FleetAnswer, PublishOrder } from '../control/publish/publisher.ts';
import type { FromControl, ToControl } from '../supervisor/messages.ts';

/** The supervisor answers within a second; one that does not is about to replace us. */
const COLLECT_MS = 2_000;

/** Control's questions to the supervisor, each with its answer: hand out a version, gather statistics. */
export class SupervisorPort implements Fleet {
  readonly #send: (message: FromControl) => void;
  readonly #publications = new Map<number, (answer: FleetAnswer) => void>();
  readonly #collections = new Map<number, (files: Readonly<Record<string, string>>) => void>();
  #collectId = 0;

  constructor(send: (message: FromControl) => void) {
    this.#send = send;
  }

  /** Resolves when every worker serves it, or one has refused it. The caller has the deadline. */
  publish(order: PublishOrder): Promise<FleetAnswer> {
    return new Promise((resolve) => {
      this.#publications.set(order.version, resolve);
      this.#send({ type: 'publish', ...order });
    });
  }

  heard(message: Extract<ToControl, { type: 'applied' | 'refused' | 'collected' }>): void {
    switch (message.type) {
      case 'applied':
        this.#answer(message.version, { kind: 'applied', workers: message.workers });
        break;
      case 'refused':
        this.#answer(message.version, { kind: 'refused', unit: message.unit, reason: message.reason });
        break;
      case 'collected':
        this.#collections.get(message.id)?.(message.files);
        this.#collections.delete(message.id);
        break;
    }
  }

  /** Statistics of the supervisor and of all workers that answer. */
  async collect(): Promise<ProcessCollection[]> {
    this.#collectId += 1;
    const id = this.#collectId;
    const { promise, resolve } = Promise.withResolvers<Readonly<Record<string, string>>>();
    const timer = setTimeout(() => resolve({}), COLLECT_MS);
    this.#collections.set(id, resolve);
    this.#send({ type: 'collect', id });
    const files = await promise;
    clearTimeout(timer);
    this.#collections.delete(id);
    const processes = await Promise.all(Object.entries(files).map(([name, file]) => readProcess(name, file)));
    return processes.filter((process) => process !== undefined);
  }

  /** An answer to an older version comes too late for anyone to wait for it. */
  #answer(version: number, answer: FleetAnswer): void {
    this.#publications.get(version)?.(answer);
    for (const known of this.#publications.keys()) if (known <= version) this.#publications.delete(known);
  }
}

/** `supervisor` or `worker-0`; undefined when the process died while it wrote. */
async function readProcess(name: string, file: string): Promise<ProcessCollection | undefined> {
  try {
    const statistics: unknown = JSON.parse(await readFile(file, 'utf8'));
    const pid = pidOf(statistics);
    if (name === 'supervisor') return { role: 'supervisor', pid, statistics };
    const index = Number(name.slice('worker-'.length));
    return Number.isInteger(index) ? { role: 'worker', index, pid, statistics } : undefined;
  } catch {
    return undefined;
  }
}

function pidOf(statistics: unknown): number {
  if (typeof statistics !== 'object' || statistics === null || !('process' in statistics)) return 0;
  const { process } = statistics;
  return typeof process === 'object' && process !== null && 'pid' in process && typeof process.pid === 'number'
    ? process.pid
    : 0;
}
