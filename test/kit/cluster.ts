/**
 * A cluster to test against, with the real `kubectl`: the one of KUBECONFIG, or else a test API server of our own. Suites of
 * test/cluster work on either; what they make lies in namespaces of their own, which are removed with the test.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiServer, type ApiServerOptions } from './api-server/api-server.ts';
import type { KubeObject } from './api-server/kube-object.ts';
import { eventually } from './eventually.ts';

const WITHOUT_ISTIO = fileURLToPath(new URL('../../config/cluster/without-istio', import.meta.url));
const KUBECTL_TIMEOUT_MS = 60_000;

/** A line of a real server's audit log. */
type AuditEvent = {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly responseStatus?: { readonly code: number };
};

export type KubectlResult = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Where test/cluster/real-api-server.sh has the real server's audit log; a cluster of somebody else shows none. */
const AUDIT_LOG = process.env['KUBERNETES_AUDIT_LOG'];

/** Whether the suites run against somebody's real cluster. */
export function isRealCluster(): boolean {
  return (process.env['KUBECONFIG'] ?? '') !== '';
}

/** One cluster for the length of a test or suite. */
export class TestCluster {
  /** Path of a kubeconfig with an administrator's rights. */
  readonly kubeconfig: string;
  /** The test API server, to order faults from; undefined on a real cluster. */
  readonly server: ApiServer | undefined;
  /** A folder that is removed with the cluster. */
  readonly folder: string;
  readonly #undo: (() => Promise<unknown>)[] = [];

  private constructor(kubeconfig: string, server: ApiServer | undefined, folder: string) {
    this.kubeconfig = kubeconfig;
    this.server = server;
    this.folder = folder;
  }

  /** Opens the cluster; `close` removes whatever it made. `options` shape the test API server alone. */
  static async open(options: ApiServerOptions = {}): Promise<TestCluster> {
    const folder = mkdtempSync(path.join(tmpdir(), 'mesh-gateway-cluster-'));
    const given = process.env['KUBECONFIG'] ?? '';
    const server = given === '' ? await ApiServer.start({ definitions: [], ...options }) : undefined;
    const kubeconfig = server === undefined ? given : path.join(folder, 'kubeconfig');
    if (server !== undefined) writeFileSync(kubeconfig, server.kubeconfig(), { mode: 0o600 });
    return new TestCluster(kubeconfig, server, folder);
  }

  /** Runs kubectl; never rejects for its exit code. */
  kubectl(args: readonly string[], options: { readonly stdin?: unknown } = {}): Promise<KubectlResult> {
    const { promise, resolve } = Promise.withResolvers<KubectlResult>();
    const child = execFile(
      'kubectl',
      args,
      { env: this.environment(), timeout: KUBECTL_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    );
    const { stdin = '' } = options;
    child.stdin?.end(typeof stdin === 'string' ? stdin : JSON.stringify(stdin));
    return promise;
  }

  /** Runs kubectl and returns its output; rejects with what it says when it fails. */
  async run(args: readonly string[], options: { readonly stdin?: unknown } = {}): Promise<string> {
    const { code, stdout, stderr } = await this.kubectl(args, options);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** An object as the cluster has it. */
  async get(namespace: string, kind: string, name: string): Promise<KubeObject> {
    return JSON.parse(await this.run(['-n', namespace, 'get', kind, name, '-o', 'json'])) as KubeObject;
  }

  /** Starts a kubectl that goes on (`get --watch`); it is ended with the cluster at the latest. */
  start(args: readonly string[]): ChildProcess {
    const child = spawn('kubectl', args, { env: this.environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    this.#undo.push(async () => child.kill());
    return child;
  }

  /** A new namespace of the test's own. */
  async namespace(): Promise<string> {
    const name = `mesh-gateway-test-${randomBytes(4).toString('hex')}`;
    this.#undo.push(() => this.kubectl(['delete', 'namespace', name, '--wait=false']));
    await this.run(['create', 'namespace', name]);
    return name;
  }

  /** Makes sure that Istio's networking kinds are served; a cluster that had none gets its own state back. */
  async installIstioKinds(): Promise<void> {
    const { code } = await this.kubectl(['get', 'crd', 'virtualservices.networking.istio.io']);
    if (code === 0) return;
    const file = (await this.serves('apiextensions.k8s.io/v1')) ? 'crds.yaml' : 'kubernetes-1.12/crds.yaml';
    const kinds = path.join(WITHOUT_ISTIO, file);
    this.#undo.push(() => this.kubectl(['delete', '-f', kinds, '--ignore-not-found']));
    await this.run(['create', '-f', kinds]);
    await this.established(
      'gateways.networking.istio.io',
      'destinationrules.networking.istio.io',
      'virtualservices.networking.istio.io',
    );
  }

  /** Whether a group's version is served. */
  async serves(apiVersion: string): Promise<boolean> {
    return (await this.run(['api-versions'])).split('\n').includes(apiVersion);
  }

  /** Resolves when custom resources are served. */
  async established(...definitions: readonly string[]): Promise<void> {
    for (const name of definitions)
      await this.run(['wait', '--for=condition=Established', '--timeout=30s', `crd/${name}`]);
    // A real API server announces a kind a moment after it says so.
    await eventually(async () => (await this.kubectl(['get', ...definitions.slice(0, 1)])).code === 0, {
      timeoutMs: 30_000,
      what: 'custom resources are served',
    });
  }

  /** Whether the cluster tells what was asked for. */
  get hasAudit(): boolean {
    return this.server !== undefined || AUDIT_LOG !== undefined;
  }

  /** The status of each request of this user that the audit log has, with what was asked for. */
  audit(user: string): { readonly code: number; readonly what: string }[] {
    const own = this.server?.audit.entries({ user });
    if (own !== undefined) return own.map(({ code, verb, resource }) => ({ code, what: `${verb} ${resource}` }));
    if (AUDIT_LOG === undefined) return [];
    const lines = readFileSync(AUDIT_LOG, 'utf8').trimEnd().split('\n');
    // the last line may be written just now
    const events = lines.slice(0, -1).map((line) => JSON.parse(line) as AuditEvent);
    return events
      .filter((event) => event.user.username === user)
      .map(({ responseStatus, verb, requestURI }) => ({
        code: responseStatus?.code ?? 0,
        what: `${verb} ${requestURI}`,
      }));
  }

  /** Undoes `work` when the cluster closes, the latest first. */
  afterwards(work: () => Promise<unknown>): void {
    this.#undo.push(work);
  }

  async close(): Promise<void> {
    for (const undo of this.#undo.toReversed()) await undo();
    await this.server?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** For programs that call kubectl: an administrator, whose caches go into a folder of the test. */
  environment(): NodeJS.ProcessEnv {
    return { ...process.env, KUBECONFIG: this.kubeconfig, HOME: this.folder };
  }
}
