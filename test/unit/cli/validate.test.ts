import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { ValidateOptions } from '../../../admin/cli/deps.ts';
import type { Problem } from '../../../gateway/snapshot/problem.ts';
import { temporaryDir } from '../admin/admin-kit.ts';
import { runHere } from './cli-kit.ts';

const error: Problem = {
  severity: 'error',
  code: 'IST0106',
  message: 'weight must not be negative.\nGive a whole number.',
  object: { kind: 'VirtualService', namespace: 'default', name: 'myapp' },
  field: 'spec.http[0].route[0].weight',
  position: { file: 'app.yaml', line: 31, column: 17 },
};
const warning: Problem = { severity: 'warning', code: 'MG0202', message: 'retries are not honoured yet.' };

function found(...problems: readonly Problem[]): {
  validate: () => Promise<{ problems: readonly Problem[]; objects: number; files: number }>;
} {
  return { validate: async () => ({ problems, objects: 3, files: 1 }) };
}

test('each problem is one line that editors can jump to, the summary is on stderr', async () => {
  const { code, out, err } = await runHere(['validate', 'routes.d'], { deps: found(error, warning) });
  assert.equal(
    out,
    'app.yaml:31:17: error IST0106 VirtualService/default/myapp spec.http[0].route[0].weight: weight must not be negative. Give a whole number.\n' +
      'warning MG0202: retries are not honoured yet.\n',
  );
  assert.equal(err, '3 objects in 1 file: 1 error, 1 warning, 0 infos\n');
  assert.equal(code, 1);
});

test('warnings alone, and nothing to say, are code 0', async () => {
  assert.equal((await runHere(['validate', 'x'], { deps: found(warning) })).code, 0);
  assert.deepEqual(await runHere(['validate', 'x'], { deps: found() }), {
    code: 0,
    out: '',
    err: '3 objects in 1 file: 0 errors, 0 warnings, 0 infos\n',
  });
});

test('-o json gives the problems as they are, with a summary, on stdout', async () => {
  const { code, out } = await runHere(['validate', 'x', '-o', 'json'], { deps: found(error) });
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(out), {
    summary: { files: 1, objects: 3, errors: 1, warnings: 0, infos: 0 },
    problems: [error],
  });
});

test('-o yaml gives the same', async () => {
  const { code, out, err } = await runHere(['validate', 'x', '-o', 'yaml'], { deps: found(error) });
  assert.equal(code, 1);
  assert.deepEqual(parse(out), {
    summary: { files: 1, objects: 3, errors: 1, warnings: 0, infos: 0 },
    problems: [error],
  });
  assert.equal(err, '3 objects in 1 file: 1 error, 0 warnings, 0 infos\n');
});

test('colours are for terminals, and not with NO_COLOR', async () => {
  const colored = async (io: object) =>
    (await runHere(['validate', 'x'], { deps: found(error), io })).out.includes('\x1b[31merror\x1b[0m');
  assert.equal(await colored({ isTerminal: true }), true);
  assert.equal(await colored({ isTerminal: false }), false);
  assert.equal(await colored({ isTerminal: true, env: { NO_COLOR: '1' } }), false);
});

const files: readonly (readonly [name: string, text: string, kind: 'settings' | 'objects'])[] = [
  ['gateway.yaml', 'namespace: istio-system\nsource:\n  kind: folder\n', 'settings'],
  ['gateway.yaml', '# all defaults\n', 'settings'],
  ['my-settings.yml', 'workers: [\n', 'settings'],
  ['empty.yaml', '# nothing\n', 'objects'],
  ['vs.yaml', 'apiVersion: networking.istio.io/v1\nkind: VirtualService\n', 'objects'],
  ['no-kind.yaml', 'metadata:\n  name: x\nspec: {}\n', 'objects'],
  ['two.yaml', '---\nkind: Service\n---\nfoo: 1\n', 'objects'],
  ['flow.yaml', '{ "kind": "Service" }\n', 'objects'],
  ['list.yaml', 'apiVersion: v1\nitems: []\n', 'objects'],
  ['objects.json', '{ "workers": 2 }', 'objects'],
];

for (const [name, text, kind] of files) {
  test(`${name} with ${JSON.stringify(text)} is read as ${kind}`, async (t) => {
    const dir = temporaryDir(t);
    writeFileSync(path.join(dir, name), text);
    const asked: string[] = [];
    const deps = {
      validate: async (paths: string[]) => {
        asked.push(...paths.map((one) => `objects ${one}`));
        return { problems: [], objects: 1, files: 1 };
      },
      validateSettings: (content: string, file: string) => {
        assert.equal(content, text);
        asked.push(`settings ${file}`);
        return [];
      },
    };
    assert.equal((await runHere(['validate', name], { deps, io: { cwd: dir } })).code, 0);
    assert.deepEqual(asked, [`${kind} ${name}`]);
  });
}

test('a file without any key of the settings is objects, however broken it is', async (t) => {
  const dir = temporaryDir(t);
  writeFileSync(path.join(dir, 'broken.yaml'), 'a: [\n');
  writeFileSync(path.join(dir, 'mine.yaml'), 'workers: [\n');
  const asked: string[] = [];
  const deps = {
    isSettingsKey: (key: string) => key === 'workers',
    validate: async (paths: string[]) => {
      asked.push(...paths);
      return { problems: [], objects: 1, files: 1 };
    },
  };
  await runHere(['validate', 'broken.yaml', 'mine.yaml'], { deps, io: { cwd: dir } });
  assert.deepEqual(asked, ['broken.yaml']);
});

test('faults of settings are shown like problems of objects; a folder is always objects', async (t) => {
  const dir = temporaryDir(t);
  writeFileSync(path.join(dir, 'gateway.yaml'), 'wokers: 2\n');
  mkdirSync(path.join(dir, 'routes.d'));
  const fault = {
    field: 'wokers',
    message: 'unknown key: did you mean workers?',
    file: 'gateway.yaml',
    line: 1,
    column: 1,
  };
  const deps = { ...found(), validateSettings: () => [fault] };
  const { code, out, err } = await runHere(['validate', 'gateway.yaml', 'routes.d'], { deps, io: { cwd: dir } });
  assert.equal(code, 1);
  assert.equal(out, 'gateway.yaml:1:1: error SETTINGS wokers: unknown key: did you mean workers?\n');
  assert.equal(err, '3 objects in 2 files: 1 error, 0 warnings, 0 infos\n');
});

test('the page of each code that was found is named once, on stderr, for people', async () => {
  const deps = { ...found(error, error, warning), pageOf: (code: string) => `/docs/${code}.md` };
  const { err } = await runHere(['validate', 'x'], { deps });
  assert.equal(
    err,
    '3 objects in 1 file: 2 errors, 1 warning, 0 infos\nIST0106 is explained in /docs/IST0106.md\nMG0202 is explained in /docs/MG0202.md\n',
  );
  assert.doesNotMatch((await runHere(['validate', 'x', '-o', 'json'], { deps })).err, /docs/);
});

test('- is standard input, and the cluster is found as kubectl finds it', async () => {
  const asked: unknown[] = [];
  const deps = {
    validate: async (paths: string[], { stdin, ...options }: ValidateOptions) => {
      asked.push(paths, await stdin(), options);
      return { problems: [], objects: 1, files: 1 };
    },
  };
  const io = { cwd: '/home/me', stdin: async () => 'objects', env: { HOME: '/home/me' } };
  const run = async (args: string[], env: Record<string, string> = {}) => {
    asked.length = 0;
    const { code } = await runHere(['validate', '-', ...args], { deps, io: { ...io, env: { ...io.env, ...env } } });
    return code === 0 ? asked.at(2) : code;
  };
  assert.deepEqual(await run([]), {});
  assert.deepEqual(await run(['-n', 'shop']), { namespace: 'shop' });
  assert.deepEqual(asked.slice(0, 2), [['-'], 'objects']);
  assert.deepEqual(await run(['--against']), { against: { kubeconfig: '/home/me/.kube/config' } });
  assert.deepEqual(await run(['--against'], { KUBECONFIG: ':a:b' }), { against: { kubeconfig: '/home/me/a' } });
  assert.deepEqual(
    await run(['--against', '--kubeconfig', 'k', '--context', 'prod', '--settings', 's'], { KUBECONFIG: 'a' }),
    {
      settings: '/home/me/s',
      against: { kubeconfig: '/home/me/k', context: 'prod' },
    },
  );
  assert.equal(await run(['--kubeconfig', 'k']), 2, 'a cluster that is not looked at');
});
