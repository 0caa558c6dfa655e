import { readFileSync } from 'node:fs';
import { writeFileAtomicallySync } from '../../gateway/support/atomic-file.ts';
import type { ProxyFacts, Statistics } from './input.ts';
import { processKey, TrafficTotals } from './totals.ts';

type Kept = { readonly supervisor: string; readonly counted: readonly string[]; readonly proxy: ProxyFacts };

/** Dead processes whose totals are in `retired`, remembered so that none is added twice. */
const REMEMBERED = 1_024;

/**
 * Keeps counters from going backwards when a worker is replaced: what a worker said last stays in the sum after
 * its death. What it counted between its last collection and its death is lost, at most one scrape interval.
 * The sum of the dead is kept in a file of the runtime directory, so that a restarted control goes on from it; a
 * new supervisor begins at zero, as Prometheus expects of a restarted program.
 */
export class TrafficLedger {
  readonly #file: string | undefined;
  readonly #last = new Map<string, Statistics>();
  #retired = new TrafficTotals();
  #counted: string[] = [];
  #supervisor: string | undefined;

  constructor(file?: string) {
    this.#file = file;
  }

  /** Takes one collection; `livePids` are the workers that exist, whether they answered or not. */
  update(collected: readonly Statistics[], livePids: ReadonlySet<number>): void {
    this.#follow(collected.find(({ role }) => role === 'supervisor'));
    const present = new Set<string>();
    for (const statistics of collected) {
      if (statistics.proxy === undefined) continue;
      const key = processKey(statistics);
      present.add(key);
      if (!this.#counted.includes(key)) this.#last.set(key, statistics);
    }
    this.#retire(present, livePids);
  }

  /** Everything counted so far: the dead, and the last word of the living. */
  totals(): TrafficTotals {
    const totals = new TrafficTotals();
    for (const { proxy } of this.#last.values()) if (proxy) totals.add(proxy);
    totals.add(this.#retired.toProxyFacts());
    return totals;
  }

  #retire(present: ReadonlySet<string>, livePids: ReadonlySet<number>): void {
    let changed = false;
    for (const [key, { process, proxy }] of this.#last) {
      if (present.has(key) || livePids.has(process.pid)) continue;
      this.#last.delete(key);
      if (proxy) this.#retired.add(proxy);
      this.#counted = [...this.#counted, key].slice(-REMEMBERED);
      changed = true;
    }
    if (changed) this.#save();
  }

  #follow(statistics: Statistics | undefined): void {
    if (statistics === undefined) return;
    const supervisor = processKey(statistics);
    if (this.#supervisor === supervisor) return;
    const first = this.#supervisor === undefined;
    this.#supervisor = supervisor;
    if (first) this.#load();
  }

  #load(): void {
    const kept = this.#file === undefined ? undefined : readKept(this.#file);
    if (kept === undefined || kept.supervisor !== this.#supervisor) return;
    this.#retired.add(kept.proxy);
    this.#counted = [...kept.counted, ...this.#counted].slice(-REMEMBERED);
  }

  #save(): void {
    if (this.#file === undefined || this.#supervisor === undefined) return;
    const kept: Kept = { supervisor: this.#supervisor, counted: this.#counted, proxy: this.#retired.toProxyFacts() };
    writeFileAtomicallySync(this.#file, JSON.stringify(kept), { mode: 0o600, durability: 'disk' });
  }
}

function readKept(file: string): Kept | undefined {
  try {
    // Written by this class in one piece; a file that does not parse is not worth a word.
    return JSON.parse(readFileSync(file, 'utf8')) as Kept;
  } catch {
    return undefined;
  }
}
