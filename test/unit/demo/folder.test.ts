import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { prepareDemo } from '#gateway/demo/demo.ts';
import { withHttpsServer } from '#gateway/demo/folder.ts';
import { nodeNames } from '#gateway/demo/node-names.ts';
import { prepareTls } from '#gateway/demo/tls-files.ts';

const example = new URL('../../../config/examples/myapp/app-gateway.yaml', import.meta.url);

async function inEmptyFolder(use: (root: string) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'demo with spaces '));
  try {
    await use(root);
  } finally {
    await rm(root, { recursive: true });
  }
}

test('everything the demo creates lies in .demo/, which only its user can enter', () =>
  inEmptyFolder(async (root) => {
    const { folder, settings } = await prepareDemo(root);
    assert.equal((await stat(folder.path)).mode & 0o777, 0o700);
    for (const secret of ['ca.key', 'routes/certificate.yaml']) {
      assert.equal((await stat(join(folder.path, secret))).mode & 0o777, 0o600, secret);
    }
    assert.ok(settings.source.kind === 'folder');
    const paths = [settings.source.path, settings.stateDir, settings.runtimeDir, settings.accessLog.file];
    for (const path of [...paths, settings.admin.socket]) assert.ok(path.startsWith(folder.path), path);
    assert.ok(settings.destinations.allowLoopback);
    assert.equal(settings.admin.socket, folder.adminSocket);
    assert.deepEqual(
      settings.ports.map((mapping) => [mapping.gatewayPort, ...mapping.nodePorts]),
      [
        [80, 31380],
        [443, 31390],
      ],
    );
  }));

test('the certificate names localhost, loopback and every address of the node', () =>
  inEmptyFolder(async (root) => {
    const { folder } = await prepareDemo(root);
    const secret = parse(await readFile(join(folder.path, 'routes/certificate.yaml'), 'utf8'));
    const leaf = new X509Certificate(Buffer.from(secret.data['tls.crt'], 'base64').toString());
    assert.ok(leaf.verify(new X509Certificate(await readFile(folder.caFile)).publicKey));
    assert.ok(nodeNames().includes('::1'));
    for (const name of nodeNames()) assert.ok(isIP(name) ? leaf.checkIP(name) : leaf.checkHost(name), name);
  }));

test('a second start keeps what people edited and the certificate they trust; a fresh one does not', () =>
  inEmptyFolder(async (root) => {
    const { folder } = await prepareDemo(root);
    const ca = await readFile(folder.caFile, 'utf8');
    await writeFile(folder.routesFile, '# mine\n');
    await prepareDemo(root);
    assert.equal(await readFile(folder.routesFile, 'utf8'), '# mine\n');
    assert.equal(await readFile(folder.caFile, 'utf8'), ca);
    await prepareDemo(root, { fresh: true });
    assert.notEqual(await readFile(folder.routesFile, 'utf8'), '# mine\n');
    assert.notEqual(await readFile(folder.caFile, 'utf8'), ca);
  }));

test('new addresses bring a new certificate from the same authority', () =>
  inEmptyFolder(async (root) => {
    const secretFile = join(root, 'certificate.yaml');
    const prepare = (names: string[]) => prepareTls({ folder: root, secretFile, names });
    const { caFile } = await prepare(['localhost', '127.0.0.1']);
    const [ca, first] = [await readFile(caFile, 'utf8'), await readFile(secretFile, 'utf8')];
    await prepare(['127.0.0.1', 'localhost']);
    assert.equal(await readFile(secretFile, 'utf8'), first);
    await prepare(['localhost', '127.0.0.1', '192.0.2.7']);
    assert.notEqual(await readFile(secretFile, 'utf8'), first);
    assert.equal(await readFile(caFile, 'utf8'), ca);
  }));

test('the routes are the example with one HTTPS server more, every other line untouched', async () => {
  const before = await readFile(example, 'utf8');
  const after = withHttpsServer(before);
  const [gateway] = parseAllDocuments(after).map((document) => document.toJS());
  assert.deepEqual(
    gateway.spec.servers.map((server: { port: { protocol: string } }) => server.port.protocol),
    ['HTTP', 'HTTPS'],
  );
  assert.deepEqual(gateway.spec.servers[1].tls, { mode: 'SIMPLE', credentialName: 'demo-certificate' });
  const added = after.split('\n').length - before.split('\n').length;
  const lines = after.split('\n');
  const at = lines.findIndex((line) => line.includes('443')) - 1;
  lines.splice(at, added);
  assert.equal(lines.join('\n'), before);
});

test('mistakes in the settings are listed with their places', () =>
  inEmptyFolder(async (root) => {
    const { folder } = await prepareDemo(root);
    await writeFile(folder.settingsFile, 'wokers: 2\nports: 80\n');
    await assert.rejects(prepareDemo(root), /gateway\.yaml:1:1: unknown key "wokers".*\n.*gateway\.yaml:2:8: /);
  }));

test('a demo that runs in the folder is noticed before anything is touched', () =>
  inEmptyFolder(async (root) => {
    const { folder, settings } = await prepareDemo(root);
    await rm(settings.runtimeDir, { recursive: true, force: true });
    const socket = join(folder.path, 'admin.sock');
    const server = createServer().listen(socket);
    await new Promise((resolve) => server.once('listening', resolve));
    await mkdir(settings.runtimeDir);
    await symlink(socket, folder.adminSocket);
    await assert.rejects(prepareDemo(root, { fresh: true }), /already runs in this folder/);
    assert.ok((await stat(folder.routesFile)).isFile());
    await new Promise((resolve) => server.close(resolve));
  }));

test('a path that is too long for a unix socket is refused with the reason', () =>
  inEmptyFolder(async (root) => {
    await assert.rejects(prepareDemo(join(root, 'deep/'.repeat(20))), /too long for the admin socket/);
  }));
