/** The resource directory: which nodes there are (section 4.1 of plush-toit.2011, figures 6 and 9). */
import type { Diagnostic, NodeSpec } from '../../../api/spec.ts';
import { checkHostname, isIpAddress } from '../pool/hostname.ts';
import { Names } from './names.ts';
import { Problems } from './problems.ts';
import { checkRoot } from './root.ts';
import { checkStructure, type ElementRule } from './structure.ts';
import {
  attributeSetting,
  child,
  childrenNamed,
  enumValue,
  fail,
  integerValue,
  quoted,
  type Setting,
  textSetting,
  userValue,
} from './values.ts';
import { readXml, type XmlElement } from './xml-tree.ts';

/** Most nodes of all `local` managers together: each is a process on this machine. */
const MAX_LOCAL_NODES = 10_000;
const PORTS = { min: 1, max: 65_535 };
const PREFERENCES = { min: -1_000_000, max: 1_000_000 };
const VIRTUAL_NODES = { min: 0, max: 2_147_483_647 };

const nodeRule: ElementRule = {
  kind: 'node',
  attributes: {
    hostname: 'required',
    user: 'optional',
    group: 'optional',
    flag: 'optional',
    vip: 'optional',
    vn: 'optional',
    preference: 'optional',
    ssh_port: 'optional',
    ssh_identity: 'optional',
  },
};

const portMapRule: ElementRule = { kind: 'port_map', attributes: { slice: 'required', port: 'required' } };

const managerRule: ElementRule = {
  kind: 'resource_manager',
  attributes: { type: 'required', count: 'optional', group: 'optional', name: 'optional' },
  variants: {
    attribute: 'type',
    rules: {
      ssh: {
        kind: 'resource_manager',
        attributes: { type: 'required' },
        children: { node: { rule: nodeRule, occurs: 'many' } },
      },
      local: {
        kind: 'resource_manager',
        attributes: { type: 'required', count: 'required', group: 'optional', name: 'optional' },
      },
      planetlab: {
        kind: 'resource_manager',
        attributes: { type: 'required' },
        children: {
          user: { rule: { kind: 'user', text: true }, occurs: 'one' },
          port_map: { rule: portMapRule, occurs: 'many' },
        },
      },
    },
  },
};

const DIRECTORY: ElementRule = {
  kind: 'plush.directory',
  children: { resource_manager: { rule: managerRule, occurs: 'many' } },
};

/**
 * Reads a resource directory. `nodes` are those that are in order even when others are not; whoever reads the file decides
 * whether that is enough. Never throws, whatever the input; reads no file and no network.
 *
 * @param source the file's text or bytes, as for parseApplication
 * @param fileName named in messages about the file as a whole
 */
export function parseDirectory(
  source: string | Uint8Array,
  fileName: string,
): { readonly nodes: NodeSpec[]; readonly diagnostics: Diagnostic[] } {
  const read = readXml(source);
  if ('diagnostic' in read) return { nodes: [], diagnostics: [read.diagnostic] };
  const { root } = read.document;
  const problems = new Problems(read.document);
  if (!checkRoot(root, fileName, 'resource_manager', problems))
    return { nodes: [], diagnostics: problems.list() };
  checkStructure(root, DIRECTORY, problems);
  const hostnames = new Names('node', problems);
  const nodes: NodeSpec[] = [];
  let localNodes = 0;
  for (const manager of childrenNamed(root, 'resource_manager')) {
    const made = readManager(manager, MAX_LOCAL_NODES - localNodes, hostnames, problems);
    localNodes += made.filter((node) => node.type === 'local').length;
    for (const node of made) nodes.push(node);
  }
  return { nodes, diagnostics: problems.list() };
}

function readManager(
  manager: XmlElement,
  localRoom: number,
  hostnames: Names,
  problems: Problems,
): NodeSpec[] {
  const setting = attributeSetting(manager, 'type');
  if (setting?.value === 'planetlab') checkPlanetLab(manager, problems);
  switch (enumValue(setting, 'resource_manager', ['ssh', 'local'], problems)) {
    case 'ssh':
      return childrenNamed(manager, 'node').flatMap((node) => readNode(node, hostnames, problems) ?? []);
    case 'local':
      return readLocal(manager, localRoom, hostnames, problems);
    case undefined:
      return [];
  }
}

function readNode(element: XmlElement, hostnames: Names, problems: Problems): NodeSpec | undefined {
  const hostname = readHostname(attributeSetting(element, 'hostname'), hostnames, problems);
  const user = userValue(attributeSetting(element, 'user'), problems);
  const preference = integerValue(attributeSetting(element, 'preference'), PREFERENCES, problems);
  const sshPort = integerValue(attributeSetting(element, 'ssh_port'), PORTS, problems);
  const vip = readVip(attributeSetting(element, 'vip'), problems);
  const vn = integerValue(attributeSetting(element, 'vn'), VIRTUAL_NODES, problems);
  const group = attributeSetting(element, 'group')?.value;
  const flag = attributeSetting(element, 'flag')?.value;
  const identity = attributeSetting(element, 'ssh_identity')?.value;
  if (hostname === undefined) return undefined;
  return {
    hostname,
    type: 'ssh',
    ...(user !== undefined && { user }),
    ...(group !== undefined && { group }),
    ...(sshPort !== undefined && { ssh_port: sshPort }),
    ...(identity !== undefined && { ssh_identity: identity }),
    ...(preference !== undefined && { preference }),
    ...(vip !== undefined && { vip }),
    ...(vn !== undefined && { vn: String(vn) }),
    ...(flag !== undefined && { flag }),
  };
}

function readHostname(
  setting: Setting | undefined,
  hostnames: Names,
  problems: Problems,
): string | undefined {
  if (!setting) return undefined;
  const { value, element } = setting;
  const reason = checkHostname(value);
  if (reason !== undefined) {
    fail(problems, 'BAD_VALUE', setting, `hostname ${quoted(value)} ${reason}`);
    return undefined;
  }
  // Host names are the same in either case (RFC 4343).
  return hostnames.claim(value.toLowerCase(), element, 'hostname') ? value : undefined;
}

function readVip(setting: Setting | undefined, problems: Problems): string | undefined {
  if (!setting || isIpAddress(setting.value)) return setting?.value;
  fail(problems, 'BAD_VALUE', setting, `vip ${quoted(setting.value)} is not an IP address`);
  return undefined;
}

/** Nodes NAME-1 … NAME-count, child processes on this machine. */
function readLocal(manager: XmlElement, room: number, hostnames: Names, problems: Problems): NodeSpec[] {
  const range = { min: 1, max: MAX_LOCAL_NODES };
  const count = integerValue(attributeSetting(manager, 'count'), range, problems);
  const group = attributeSetting(manager, 'group')?.value;
  const named = attributeSetting(manager, 'name');
  const prefix = named?.value ?? 'local';
  const reason = /[:[\]]/.test(prefix)
    ? 'may not have a port'
    : checkHostname(`${prefix}-${MAX_LOCAL_NODES}`);
  if (reason !== undefined && named) {
    fail(problems, 'BAD_VALUE', named, `name ${quoted(prefix)} ${reason}`);
    return [];
  }
  if (count !== undefined && count > room) {
    const message = `count ${count} makes more than ${MAX_LOCAL_NODES} local nodes in all`;
    problems.error('TOO_LARGE', manager, message, 'count');
    return [];
  }
  const nodes: NodeSpec[] = [];
  for (let number = 1; number <= (count ?? 0); number += 1) {
    const hostname = `${prefix}-${number}`;
    // One report is enough: the whole row of names is taken.
    if (!hostnames.claim(hostname.toLowerCase(), manager)) return nodes;
    nodes.push({ hostname, type: 'local', ...(group !== undefined && { group }) });
  }
  return nodes;
}

/** The values are checked although nothing is done with them, so that a file is right when it becomes possible. */
function checkPlanetLab(manager: XmlElement, problems: Problems): void {
  textSetting(child(manager, 'user'), problems);
  const slices = new Names('slice', problems);
  for (const map of childrenNamed(manager, 'port_map')) {
    const slice = attributeSetting(map, 'slice');
    if (slice) slices.claim(slice.value, map, 'slice');
    integerValue(attributeSetting(map, 'port'), PORTS, problems);
  }
}
