import type { HttpsRedirect } from '../../snapshot/route.ts';

/** A Gateway server that is served: VirtualServices are bound to these. Plain data, compared by content. */
export type AcceptedServer = {
  /** `namespace/name` of its Gateway. */
  readonly gateway: string;
  /** Of that Gateway: the older first, where only one counts. */
  readonly creationTimestamp?: string;
  /** Index in `spec.servers`. */
  readonly index: number;
  /** Key of the listener it became part of. */
  readonly listener: string;
  /** Gateway port of that listener. */
  readonly listenerPort: number;
  /** Its own Gateway port; differs from the listener's when several share one listener. */
  readonly port: number;
  /** Host (exact, `*.suffix` or `*`) -> namespaces whose VirtualServices may use it (`*` for any). */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  readonly redirect?: HttpsRedirect;
};
