import { adoptSocket, BindError, bindSocket, type ListeningSocket } from './listening-socket.ts';
import type { SocketPurpose } from './messages.ts';

export type SocketFailure = { readonly port: number; readonly code: string };

/**
 * The listening sockets of the appliance by node port, inherited ones first. Ports come and go at run time;
 * one that cannot be bound is a failure to report and is tried again with `retry`.
 */
export class SocketSet {
  readonly #address: string;
  readonly #inherited = new Map<number, ListeningSocket>();
  readonly #open = new Map<number, ListeningSocket>();
  #failures: SocketFailure[] = [];
  #wanted: readonly number[] = [];

  constructor(options: { address: string; inheritedFds: readonly number[] }) {
    this.#address = options.address;
    for (const fd of options.inheritedFds) {
      const socket = adoptSocket(fd);
      this.#inherited.set(socket.port, socket);
    }
  }

  get(nodePort: number): ListeningSocket | undefined {
    return this.#open.get(nodePort);
  }

  get ports(): number[] {
    return [...this.#open.keys()];
  }

  /** Ports that the service manager opened for us: they serve whatever the settings map to them. */
  get inheritedPorts(): number[] {
    return [...this.#inherited.keys()];
  }

  get failures(): readonly SocketFailure[] {
    return this.#failures;
  }

  /** Opens what is wanted and missing, closes what is open and no longer wanted. Returns what changed. */
  reconcile(wanted: readonly number[]): { readonly opened: number[]; readonly closed: number[] } {
    this.#wanted = wanted;
    const closed = this.ports.filter((port) => !wanted.includes(port));
    for (const port of closed) this.#close(port);
    this.#failures = [];
    const opened = wanted.filter((port) => !this.#open.has(port) && this.#tryOpen(port));
    return { opened, closed };
  }

  /** Tries what could not be opened once more: the program that had the port may have ended. */
  retry(): { readonly opened: number[]; readonly closed: number[] } {
    return this.reconcile(this.#wanted);
  }

  closeAll(): void {
    this.#wanted = [];
    for (const port of this.ports) this.#close(port);
    for (const socket of this.#inherited.values()) socket.close();
    this.#inherited.clear();
  }

  #tryOpen(port: number): boolean {
    try {
      this.#open.set(port, this.#inherited.get(port) ?? bindSocket(this.#address, port));
      return true;
    } catch (error) {
      if (!(error instanceof BindError)) throw error;
      this.#failures.push({ port, code: error.code });
      return false;
    }
  }

  /** An inherited socket stays open in our hand: only the service manager may give its port up. */
  #close(port: number): void {
    const socket = this.#open.get(port);
    this.#open.delete(port);
    if (socket !== undefined && !socket.inherited) socket.close();
  }
}

export function trafficSocket(nodePort: number): Extract<SocketPurpose, { kind: 'traffic' }> {
  return { kind: 'traffic', nodePort };
}
