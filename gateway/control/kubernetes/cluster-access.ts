import type { SecretText } from '../resource/core/secret-text.ts';

/** How to reach a cluster and as whom, as a kubeconfig's context says it. */
export type ClusterAccess = {
  /** API servers in the order to try them; any path is a prefix of all API paths. */
  readonly servers: readonly URL[];
  /** Name that the servers' certificates are checked against instead of their host names. */
  readonly tlsServerName?: string;
  /** Absent: the authorities that Node trusts. */
  readonly ca?: Material;
  readonly client?: { readonly certificate: Material; readonly privateKey: Material };
  readonly token?: Material;
  /** What the context names for objects that name none, as for kubectl. */
  readonly namespace?: string;
  /** Where people find what was read: `context admin of /etc/...`. */
  readonly description: string;
};

/** A piece of text that is given as it is, or as a file to read (again, whenever it changes). */
export type Material = { readonly text: SecretText } | { readonly file: string };

/** The access data cannot be used; the message is one sentence for people, without any secret. */
export class AccessError extends Error {
  override readonly name = 'AccessError';
}
