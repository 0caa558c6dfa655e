import http from 'node:http';
import https from 'node:https';
import { CliError, exitCodes } from './exit-codes.ts';
import type { AdminTarget } from './find-admin.ts';

export type AdminResponse = { readonly status: number; readonly body: unknown };
export type AdminCall = {
  readonly method: 'GET' | 'PUT';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Longer than the 2 s in which a shift is confirmed or refused. */
const TIMEOUT_MS = 15_000;
/** Failures to connect, after which nothing has been sent and the next place may be tried. */
const notThere: Readonly<Record<string, string>> = {
  ENOENT: 'no such socket',
  ECONNREFUSED: 'nobody listens',
  ENOTSOCK: 'not a socket',
  EACCES: 'permission denied: try sudo',
  EPERM: 'permission denied: try sudo',
  ENOTFOUND: 'no such host',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
};

/** Sends one call to the first target that can be reached, and says all that were tried when none can. */
export async function callAdmin(targets: readonly AdminTarget[], call: AdminCall): Promise<AdminResponse> {
  const tried: string[] = [];
  for (const target of targets) {
    try {
      return await send(target, call);
    } catch (error) {
      if (error instanceof CliError) throw error;
      const { code = '', message } = error as NodeJS.ErrnoException;
      const reason = notThere[code];
      if (reason === undefined) {
        throw new CliError(exitCodes.unreachable, `${describeTarget(target)} does not answer: ${message || code}`);
      }
      tried.push(`${describeTarget(target)} (${reason})`);
    }
  }
  throw new CliError(
    exitCodes.unreachable,
    `no running gateway was found: tried ${tried.join(', ')}; start one, or name its admin socket by --admin or MESH_GATEWAY_ADMIN`,
  );
}

function send(target: AdminTarget, call: AdminCall): Promise<AdminResponse> {
  return new Promise((resolve, reject) => {
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const request = open(target, call, body === undefined ? {} : { 'content-type': 'application/json' });
    request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1_000} seconds`)));
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const parsed = parseJson(Buffer.concat(chunks).toString());
        if (parsed.ok) resolve({ status: response.statusCode ?? 0, body: parsed.value });
        else reject(new CliError(exitCodes.failed, `${describeTarget(target)} is not the admin API of a mesh-gateway`));
      });
    });
    request.end(body);
  });
}

function open(target: AdminTarget, call: AdminCall, more: Readonly<Record<string, string>>): http.ClientRequest {
  const headers = { accept: 'application/json', ...more, ...call.headers };
  const common = { method: call.method, agent: false };
  if (target.kind === 'unix') {
    return http.request({
      ...common,
      socketPath: target.path,
      path: call.path,
      headers: { ...headers, host: 'localhost' },
    });
  }
  const url = new URL(call.path, target.url);
  const authorized = { ...headers, authorization: `Bearer ${target.token}` };
  if (url.protocol === 'http:') return http.request(url, { ...common, headers: authorized });
  return https.request(url, { ...common, headers: authorized, ...(target.ca === undefined ? {} : { ca: target.ca }) });
}

function parseJson(text: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}

function describeTarget(target: AdminTarget): string {
  return target.kind === 'unix' ? `${target.foundBy} at ${target.path}` : target.url.origin;
}
