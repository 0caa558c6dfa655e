import type { Verb } from './request-target.ts';

/** One request as the audit log keeps it. Who was refused by an ordered fault has no name: nobody asked for it. */
export type AuditEntry = {
  readonly user: string;
  readonly verb: Verb;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly code: number;
};

/** What was asked of the server, and by whom: tests of least privilege read it. */
export class AuditLog {
  #entries: AuditEntry[] = [];

  add(entry: AuditEntry): void {
    this.#entries.push(entry);
  }

  entries(filter: Partial<AuditEntry> = {}): AuditEntry[] {
    const wanted = Object.entries(filter);
    return this.#entries.filter((entry) =>
      wanted.every(([field, value]) => entry[field as keyof AuditEntry] === value),
    );
  }

  clear(): void {
    this.#entries = [];
  }
}
