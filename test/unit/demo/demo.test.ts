import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { prepareDemo, type RunningGateway, runDemo } from '#gateway/demo/demo.ts';
import { freePorts } from '#test/kit/ports.ts';

/** A demo folder whose ports are free, and the ports in the order http, https, admin, health, metrics, pages. */
async function demoOnFreePorts(root: string): Promise<number[]> {
  const ports = await freePorts(6);
  const { folder } = await prepareDemo(root);
  const edit = async (file: string, from: readonly number[], to: readonly number[]): Promise<void> => {
    const text = await readFile(file, 'utf8');
    await writeFile(
      file,
      from.reduce((result, port, index) => result.replaceAll(`${port}`, `${to[index]}`), text),
    );
  };
  await edit(folder.settingsFile, [31380, 31390, 15000, 15021, 15090], ports);
  await edit(folder.backendsFile, [18080], ports.slice(5));
  return ports;
}

async function inEmptyFolder(use: (root: string) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'demo '));
  try {
    await use(root);
  } finally {
    await rm(root, { recursive: true });
  }
}

test('the pages are served before the gateway starts, and end after it', () =>
  inEmptyFolder(async (root) => {
    const ports = await demoOnFreePorts(root);
    const page = `http://127.0.0.2:${ports[5]}/`;
    let printed = '';
    const code = await runDemo({
      root,
      print: (text) => {
        printed += text;
      },
      startSupervisor: ({ settings, onReady }): RunningGateway => {
        assert.equal(settings.ports[0]?.nodePorts[0], ports[0]);
        const ended = fetch(page).then(async (answer) => {
          assert.match(await answer.text(), /v1/);
          onReady();
          return 0;
        });
        return { stop: () => undefined, ended };
      },
    });
    assert.equal(code, 0);
    await assert.rejects(fetch(page));
    assert.match(printed, new RegExp(`http://localhost:${ports[0]}/`));
    assert.match(printed, new RegExp(`https://localhost:${ports[1]}/`));
    assert.match(printed, /CA file +\.demo\/ca\.crt/);
    assert.match(printed, /npx mesh-gateway shift myapp v1=90 v2=10/);
    assert.match(printed, /\.demo\/routes\/app-gateway\.yaml/);
  }));

test('a port that is taken stops the demo with a sentence, before anything is started', () =>
  inEmptyFolder(async (root) => {
    const ports = await demoOnFreePorts(root);
    const squatter = createServer().listen(ports[0], '127.0.0.1');
    await new Promise((resolve) => squatter.once('listening', resolve));
    const startSupervisor = (): RunningGateway => assert.fail('the gateway was started');
    await assert.rejects(runDemo({ root, startSupervisor }), (error: Error) => {
      assert.match(error.message, new RegExp(`^Port ${ports[0]} is taken by another program`));
      assert.match(error.message, /choose other ports in .*\.demo\/gateway\.yaml\.$/);
      return true;
    });
    await new Promise((resolve) => squatter.close(resolve));
  }));
