import { isMap, isScalar } from 'yaml';
import { choice, type Field, listOf, namespaceName, path, section, text } from './fields.ts';
import type { KubernetesSourceSettings, Settings } from './settings.ts';

type Source = Settings['source'];

const NO_CLUSTER: KubernetesSourceSettings = {
  kind: 'kubernetes',
  kubeconfig: '',
  servers: [],
  namespaces: [],
  endpoints: 'pods',
};

/** `source: { folder: PATH }` or `source: { kubernetes: { kubeconfig: FILE } }`: the key names the kind of source. */
export function sourceField(defaults: Source, file: string): Field<Source> {
  const none: { readonly folder?: string; readonly kubernetes?: KubernetesSourceSettings } = {};
  const byKind = section({ folder: path(file), kubernetes: kubernetes(file) }, none);
  return (node, place, reading) => {
    const read = byKind(node, place, reading);
    if (read?.folder !== undefined && read.kubernetes !== undefined)
      reading.report(`${place.path}.kubernetes`, 'source names a folder and a cluster: keep one of the two');
    if (read?.kubernetes !== undefined) return read.kubernetes;
    return read?.folder === undefined ? defaults : { kind: 'folder', path: read.folder };
  };
}

function kubernetes(file: string): Field<KubernetesSourceSettings> {
  const fields = section<Omit<KubernetesSourceSettings, 'kind'>>(
    {
      kubeconfig: kubeconfig(file),
      context: text(/^.+$/, 'the name of a context of the kubeconfig'),
      servers: listOf(text(/^https:\/\/[^\s@]+$/, 'the address of an API server, such as https://10.0.0.2:6443')),
      namespaces: listOf(namespaceName()),
      endpoints: choice('pods', 'clusterIP', 'nodePort'),
    },
    NO_CLUSTER,
  );
  return (node, place, reading) => {
    const read = fields(node, place, reading);
    if (node === null || (isMap(node) && !reading.isSet(`${place.path}.kubeconfig`)))
      reading.report(place.path, `${place.path}.kubeconfig is missing: name the file with the access to the cluster`);
    return read === undefined ? undefined : { ...read, kind: 'kubernetes' };
  };
}

/** A path, `credential:NAME` or `in-cluster`. */
function kubeconfig(file: string): Field<string> {
  const plain = path(file, { 'in-cluster': 'in-cluster' });
  const credential = text(/^credential:[A-Za-z0-9_.-]+$/, 'credential: and the name that LoadCredential= gives');
  return (node, place, reading) => {
    const isCredential = isScalar(node) && typeof node.value === 'string' && node.value.startsWith('credential:');
    return (isCredential ? credential : plain)(node, place, reading);
  };
}
