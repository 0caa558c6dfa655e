import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isLoopback } from '../address.ts';
import type { CliIo } from './deps.ts';
import { CliError, exitCodes } from './exit-codes.ts';

/** One way to reach a gateway's admin API. */
export type AdminTarget =
  | { readonly kind: 'unix'; readonly path: string; readonly foundBy: string }
  | { readonly kind: 'url'; readonly url: URL; readonly token: string; readonly ca?: string };

export type AdminOptions = { readonly admin?: string; readonly tokenFile?: string; readonly caFile?: string };

/** Where the service has its socket. */
const SERVICE_SOCKET = '/run/mesh-gateway/admin.sock';
const DEMO_SOCKET = path.join('.demo', 'run', 'admin.sock');
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** The places to try in order. A place that was named (`--admin`, MESH_GATEWAY_ADMIN) is the only one. */
export function adminTargets(options: AdminOptions, io: CliIo): readonly AdminTarget[] {
  if (options.admin !== undefined) return [named(options.admin, '--admin', options, io)];
  const fromEnvironment = io.env['MESH_GATEWAY_ADMIN'];
  if (fromEnvironment) return [named(fromEnvironment, 'MESH_GATEWAY_ADMIN', options, io)];
  const sockets = new Map([[path.resolve(io.cwd, DEMO_SOCKET), 'the demo']]);
  for (const folder of [...foldersUpFrom(io.cwd), PACKAGE]) {
    const socket = path.resolve(folder, DEMO_SOCKET);
    if (existsSync(socket)) sockets.set(socket, 'the demo');
  }
  sockets.set(SERVICE_SOCKET, 'the service');
  return [...sockets].map(([socket, foundBy]) => ({ kind: 'unix', path: socket, foundBy }));
}

function named(value: string, foundBy: string, options: AdminOptions, io: CliIo): AdminTarget {
  if (!/^https?:/i.test(value)) {
    return { kind: 'unix', path: path.resolve(io.cwd, value.replace(/^unix:(\/\/)?/, '')), foundBy };
  }
  if (!URL.canParse(value)) throw new CliError(exitCodes.usage, `${foundBy}: ${value} is not a URL`);
  const url = new URL(value);
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw new CliError(
      exitCodes.usage,
      `${foundBy}: ${value} would send the token in the clear: use https, or ssh -L and a loopback address`,
    );
  }
  const ca = options.caFile === undefined ? undefined : readText(options.caFile, '--ca-file', io);
  return { kind: 'url', url, token: readToken(options, io), ...(ca === undefined ? {} : { ca }) };
}

function readToken(options: AdminOptions, io: CliIo): string {
  const file = options.tokenFile ?? io.env['MESH_GATEWAY_TOKEN_FILE'];
  if (!file) {
    throw new CliError(
      exitCodes.usage,
      'a URL needs the token: name its file by --token-file or MESH_GATEWAY_TOKEN_FILE (admin-token in the state directory of the gateway)',
    );
  }
  return readText(file, 'the token file', io).trim();
}

function readText(file: string, what: string, io: CliIo): string {
  try {
    return readFileSync(path.resolve(io.cwd, file), 'utf8');
  } catch (error) {
    throw new CliError(exitCodes.usage, `${what} ${file} cannot be read: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied (try sudo)';
  return message;
}

function foldersUpFrom(start: string): string[] {
  const folders = [start];
  for (let folder = start; path.dirname(folder) !== folder; ) {
    folder = path.dirname(folder);
    folders.push(folder);
  }
  return folders;
}
