// Promises: the token of a kubeconfig is replaced by a newer one long before it ends, and the newest is kept over restarts.
// Never: renews a token that never ends, or one that lies in a file of its own (whoever writes that file renews it);
//   shows a token; gives up.
// Called by: access-file.ts (`inPlaceOf`, at each look); whoever opens the client starts and closes it.
import type { Problem } from '../../snapshot/problem.ts';
import type { Timers } from '../../support/timers.ts';
import { SecretText } from '../resource/core/secret-text.ts';
import type { ApiClient } from './api-client.ts';
import { ApiError } from './api-error.ts';
import { type BoundToken, boundTokenIn } from './bound-token.ts';
import { type DatedToken, keepToken, readKeptToken } from './kept-token.ts';

const HOUR_MS = 60 * 60_000;
/** A token is renewed at this age, or at half of its life: a node may be off for almost all of that life. */
const RENEW_AGE_MS = 24 * HOUR_MS;
/** Clocks that disagree must not make a loop of it. */
const LEAST_AGE_MS = 60_000;
/** All nodes of a site start together and must not renew together: up to this part of the age is added. */
const SPREAD = 0.1;
const FIRST_RETRY_MS = 30_000;
const LONGEST_RETRY_MS = HOUR_MS / 2;
/** The clock may be set, and a machine may sleep: no wait is trusted for longer. */
const LONGEST_WAIT_MS = HOUR_MS / 6;

export type TokenRenewalOptions = {
  /** Where the newest token is kept. */
  readonly file: string;
  readonly timers: Timers;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** All that is wrong with the renewal at this time. */
  readonly onProblems: (problems: readonly Problem[]) => void;
  readonly onRenewed: (expiresAt: Date) => void;
};

/** The token of the kubeconfig, and what it was renewed to. */
type Line = { readonly original: SecretText; readonly bound: BoundToken; newest: DatedToken; isKept: boolean };

/** Renews the token of one client. */
export class TokenRenewal {
  readonly #options: TokenRenewalOptions;
  #original: SecretText | undefined;
  #line: Line | undefined;
  #client: Pick<ApiClient, 'request'> | undefined;
  #failures = 0;
  #cancel = (): void => undefined;
  #renewing: Promise<void> = Promise.resolve();
  readonly #end = new AbortController();

  constructor(options: TokenRenewalOptions) {
    this.#options = options;
  }

  /** The token to use where the kubeconfig has `original`. */
  inPlaceOf(original: SecretText): SecretText {
    if (original.reveal() !== this.#original?.reveal()) this.#adopt(original);
    return this.#line?.newest.token ?? original;
  }

  /** Begins to renew, over a client that asks `inPlaceOf` for its token. */
  start(client: Pick<ApiClient, 'request'>): void {
    this.#client = client;
    this.#schedule();
  }

  /** Gives up what is asked for; resolves when what was renewed has been kept. */
  async close(): Promise<void> {
    this.#end.abort();
    this.#cancel();
    await this.#renewing;
  }

  /** A new kubeconfig: what an older one was renewed to is forgotten. */
  #adopt(original: SecretText): void {
    this.#original = original;
    this.#failures = 0;
    const bound = boundTokenIn(original);
    const kept = bound && readKeptToken(this.#options.file, original);
    this.#line = bound && { original, bound, newest: kept ?? { token: original, ...bound }, isKept: true };
    this.#options.onProblems([]);
    this.#schedule();
  }

  #schedule(): void {
    this.#cancel();
    if (this.#line === undefined || this.#client === undefined || this.#end.signal.aborted) return;
    const ms = this.#failures > 0 ? this.#retryMs() : this.#untilDue(this.#line);
    this.#waitFor(this.#options.now() + ms);
  }

  #waitFor(due: number): void {
    const ms = due - this.#options.now();
    if (ms <= 0) this.#renewing = this.#renew();
    else this.#cancel = this.#options.timers.after(Math.min(ms, LONGEST_WAIT_MS), () => this.#waitFor(due));
  }

  #untilDue({ newest: { issuedAt, expiresAt } }: Line): number {
    const age = Math.max(LEAST_AGE_MS, Math.min(RENEW_AGE_MS, (expiresAt - issuedAt) / 2));
    return issuedAt + age * (1 + SPREAD * this.#options.random()) - this.#options.now();
  }

  #retryMs(): number {
    const ms = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures - 1));
    return ms * (0.5 + this.#options.random() / 2);
  }

  async #renew(): Promise<void> {
    const line = this.#line;
    if (line === undefined || this.#client === undefined) return;
    const problem = await this.#attempt(line, this.#client);
    // another kubeconfig came, or the end
    if (this.#line !== line || this.#end.signal.aborted) return;
    this.#failures = problem === undefined ? 0 : this.#failures + 1;
    const isWorthTelling = problem !== undefined && problem !== 'outage';
    this.#options.onProblems(isWorthTelling ? [problem] : []);
    this.#schedule();
  }

  /** One renewal, or one more attempt to keep what was renewed. An outage is told of by the source while there is time. */
  async #attempt(line: Line, client: Pick<ApiClient, 'request'>): Promise<Problem | 'outage' | undefined> {
    try {
      if (line.isKept) await this.#request(line, client);
    } catch (error) {
      if (error instanceof ApiError) return this.#refusal(error, line);
      throw error;
    }
    return this.#keep(line);
  }

  async #request(line: Line, client: Pick<ApiClient, 'request'>): Promise<void> {
    const { namespace, account } = line.bound;
    const issuedAt = this.#options.now();
    const answer = await client.request({
      method: 'POST',
      signal: this.#end.signal,
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(account)}/token`,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: lifeSeconds(line.bound) },
      },
    });
    line.newest = { ...tokenIn(answer), issuedAt };
    line.isKept = false;
    this.#options.onRenewed(new Date(line.newest.expiresAt));
  }

  async #keep(line: Line): Promise<Problem | undefined> {
    try {
      await keepToken(this.#options.file, line.original, line.newest);
      line.isKept = true;
      return undefined;
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
      return {
        severity: 'warning',
        code: 'MG1021',
        message:
          `The renewed token of the cluster cannot be kept in ${this.#options.file} (${reason}). It is in use, but a restart falls back to ` +
          'the token of the kubeconfig, which ends sooner. Mend the state directory; it is tried again.',
      };
    }
  }

  #refusal(error: ApiError, line: Line): Problem | 'outage' {
    const { expiresAt, issuedAt } = line.newest;
    const left = expiresAt - this.#options.now();
    if (error.isOutage && left > (expiresAt - issuedAt) / 3) return 'outage';
    const end = new Date(expiresAt).toISOString();
    const facts = { severity: left > 0 ? 'warning' : 'error', code: 'MG1020' } as const;
    const state = left > 0 ? `ends at ${end} and could not be renewed` : `ended at ${end}`;
    return { ...facts, message: `The token for the cluster ${state}: ${error.message}. ${advice(error, line.bound)}` };
  }
}

function advice({ status }: ApiError, { namespace, account }: BoundToken): string {
  const anew = 'Make a new kubeconfig (config/cluster/kubeconfig.sh) and install it (install.sh --kubeconfig FILE).';
  if (status === 401) return `The API server does not take it any more. ${anew}`;
  if (status === 403)
    return `Let ${account} create serviceaccounts/token of itself in ${namespace}: kubectl apply -f config/cluster.`;
  if (status === 404) return `The account ${account} in ${namespace} is gone: kubectl apply -f config/cluster. ${anew}`;
  return 'It is tried again until then.';
}

/** As long as people chose for the kubeconfig; the API server may give less. */
function lifeSeconds({ issuedAt, expiresAt }: BoundToken): number {
  return Math.max(600, Math.round((expiresAt - issuedAt) / 1000));
}

function tokenIn(answer: unknown): Pick<DatedToken, 'token' | 'expiresAt'> {
  const status = fieldsOf(fieldsOf(answer)['status']);
  const expiresAt = Date.parse(String(status['expirationTimestamp']));
  if (typeof status['token'] === 'string' && status['token'] !== '' && !Number.isNaN(expiresAt))
    return { token: new SecretText(status['token']), expiresAt };
  throw new ApiError({
    status: 0,
    reason: 'BadAnswer',
    message: 'the API server answered a TokenRequest without a token',
  });
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
