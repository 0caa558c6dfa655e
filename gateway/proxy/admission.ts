/** Counts connections by client, so that one client cannot take them all. IPv6 clients count by their /64. */
export class Admission {
  readonly #perClient: number;
  readonly #total: number;
  readonly #byClient = new Map<string, number>();
  #open = 0;

  constructor(limits: { connectionsPerClient: number; connections: number }) {
    this.#perClient = limits.connectionsPerClient;
    this.#total = limits.connections;
  }

  get open(): number {
    return this.#open;
  }

  /** True: the connection is counted and `leave` must be called when it ends. */
  enter(client: string): boolean {
    const mine = this.#byClient.get(client) ?? 0;
    if (mine >= this.#perClient || this.#open >= this.#total) return false;
    this.#byClient.set(client, mine + 1);
    this.#open += 1;
    return true;
  }

  leave(client: string): void {
    const mine = (this.#byClient.get(client) ?? 1) - 1;
    if (mine === 0) this.#byClient.delete(client);
    else this.#byClient.set(client, mine);
    this.#open -= 1;
  }
}
