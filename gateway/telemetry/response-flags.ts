/**
 * Why a response is what it is, in Envoy's letters (`%RESPONSE_FLAGS%`). The index is what the hot path carries;
 * at most 32, so that a series key is `status * 32 + flag`.
 */
export const responseFlags = [
  /** The backend answered, and the answer was delivered. */
  '-',
  /** No route (or no virtual host) matched. */
  'NR',
  /** No healthy endpoint. */
  'UH',
  /** The connection to the endpoint could not be made. */
  'UF',
  /** Overflow: too many requests pending. */
  'UO',
  /** The response did not come in time. */
  'UT',
  /** The upstream connection ended before the response was whole. */
  'UC',
  /** The upstream's answer was not acceptable HTTP. */
  'UPE',
  /** The client's request was not acceptable HTTP. */
  'DPE',
  /** The client went away. */
  'DC',
  /** The stream was idle for too long. */
  'SI',
  /** The route names a cluster that does not exist. */
  'NC',
  /** Ended by ourselves: an exception in our own code. */
  'LR',
  /** The client did not finish its request in time. */
  'DT',
  /** Refused: something that may guard the host is not enforced here. */
  'UAEX',
] as const;

/** One of the letters above. */
export type ResponseFlagName = (typeof responseFlags)[number];

/** Index into {@link responseFlags} by name, for readable code. */
export const ResponseFlag = Object.freeze(
  Object.fromEntries(responseFlags.map((name, index) => [name === '-' ? 'NONE' : name, index])),
) as Readonly<Record<Exclude<ResponseFlagName, '-'> | 'NONE', number>>;
