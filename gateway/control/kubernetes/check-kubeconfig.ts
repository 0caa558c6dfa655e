/**
 * A program of install.sh: whether the kubeconfig on stdin can be used from where the service will find it. Prints what
 * is wrong with it in one line and ends with 1, else prints nothing.
 * Usage: node check-kubeconfig.ts NAME <KUBECONFIG, where NAME is what people call the file.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isScalar, parseDocument, visit } from 'yaml';
import { AccessError } from './cluster-access.ts';
import { parseKubeconfig } from './kubeconfig.ts';

const FILE_FIELDS = new Set(['certificate-authority', 'client-certificate', 'client-key', 'tokenFile']);

try {
  check(readFileSync(0, 'utf8'), process.argv[2] ?? 'kubeconfig');
} catch (error) {
  if (!(error instanceof AccessError)) throw error;
  console.log(error.message);
  process.exitCode = 1;
}

function check(text: string, file: string): void {
  parseKubeconfig(text, { file });
  const [relative] = relativeFiles(text);
  if (relative !== undefined)
    throw new AccessError(
      `The kubeconfig ${file} names the file ${relative} relative to itself, but is copied: make one file of it (kubectl config view --raw --minify --flatten).`,
    );
}

function relativeFiles(text: string): string[] {
  const found: string[] = [];
  visit(parseDocument(text), {
    Pair: (_, { key, value }) => {
      if (!isScalar(key) || !FILE_FIELDS.has(String(key.value)) || !isScalar(value)) return;
      if (typeof value.value === 'string' && value.value !== '' && !path.isAbsolute(value.value))
        found.push(value.value);
    },
  });
  return found;
}
