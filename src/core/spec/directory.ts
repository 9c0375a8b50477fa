/** The resource directory: which nodes there are (section 4.1 of plush-toit.2011, figures 6 and 9). */
import type { Diagnostic, NodeSpec } from '../../../api/spec.ts';
import { checkHostname, isIpAddress } from '../pool/hostname.ts';
import type { PlanetLabAccount } from '../pool/slice.ts';
import { Names } from './names.ts';
import { portMapRule, readPlanetLab } from './planetlab.ts';
import { Problems } from './problems.ts';
import { checkRoot } from './root.ts';
import { type ElementRule, oneOf, optional, required } from './rule.ts';
import { checkStructure } from './structure.ts';
import { TEXT } from './value-rule.ts';
import {
  attributeSetting,
  childrenNamed,
  enumValue,
  fail,
  integerValue,
  quoted,
  type Setting,
  userValue,
} from './values.ts';
import { readXml, type XmlElement } from './xml-tree.ts';

/** Most nodes of all `local` managers together: each is a process on this machine. */
const MAX_LOCAL_NODES = 10_000;
const PORTS = { type: 'integer', min: 1, max: 65_535 } as const;
const PREFERENCES = { type: 'integer', min: -1_000_000, max: 1_000_000 } as const;
const VIRTUAL_NODES = { type: 'integer', min: 0, max: 2_147_483_647 } as const;

const nodeRule: ElementRule = {
  kind: 'node',
  about: 'A machine, or one of several nodes on it, reached over SSH',
  attributes: {
    hostname: required(
      TEXT,
      'The name of the node: host or host:port; the port only tells nodes of one host apart',
    ),
    user: optional(TEXT, 'Login name', 'that of plushd'),
    group: optional(TEXT, 'The group by which components ask for it'),
    flag: optional(TEXT, 'A mark of your own'),
    vip: optional(TEXT, 'ModelNet’s virtual IP address, which tasks find as PLUSH_VIP'),
    vn: optional(VIRTUAL_NODES, 'ModelNet’s virtual node number, which tasks find as PLUSH_VN'),
    preference: optional(PREFERENCES, 'Nodes with a higher number are chosen first', '0'),
    ssh_port: optional(PORTS, 'Where sshd listens', '22'),
    ssh_identity: optional(TEXT, 'Private key file on the controller, for this node alone'),
  },
};

const TYPE = required(
  oneOf({
    ssh: 'the nodes inside, reached over SSH',
    local: 'child processes on the controller’s machine',
    planetlab: 'the nodes of PlanetLab slices',
  }),
  'Which nodes',
);
const COUNT = { type: 'integer', min: 1, max: MAX_LOCAL_NODES } as const;
const GROUP = optional(TEXT, 'The group by which components ask for the nodes of type local');
const LOCAL_NAME = optional(TEXT, 'The nodes of type local are called NAME-1 and up', 'local');
const ABOUT = 'Nodes of one type';

const managerRule: ElementRule = {
  kind: 'resource_manager',
  about: ABOUT,
  attributes: {
    type: TYPE,
    count: optional(COUNT, 'How many nodes, for type local, which needs it'),
    group: GROUP,
    name: LOCAL_NAME,
  },
  children: {
    node: { rule: nodeRule, occurs: 'many' },
    user: { rule: { kind: 'user', about: 'Login at PlanetLab Central', text: TEXT }, occurs: 'optional' },
    port_map: { rule: portMapRule, occurs: 'many' },
  },
  variants: {
    attribute: 'type',
    rules: {
      ssh: {
        kind: 'resource_manager',
        about: ABOUT,
        attributes: { type: TYPE },
        children: { node: { rule: nodeRule, occurs: 'many' } },
      },
      local: {
        kind: 'resource_manager',
        about: ABOUT,
        attributes: { type: TYPE, count: required(COUNT, 'How many'), group: GROUP, name: LOCAL_NAME },
      },
      planetlab: {
        kind: 'resource_manager',
        about: ABOUT,
        attributes: { type: TYPE },
        children: {
          user: { rule: { kind: 'user', about: 'Login at PlanetLab Central', text: TEXT }, occurs: 'one' },
          port_map: { rule: portMapRule, occurs: 'many' },
        },
      },
    },
  },
};

/** The root of a directory file. */
export const DIRECTORY: ElementRule = {
  kind: 'plush.directory',
  about: 'The root of the file',
  children: { resource_manager: { rule: managerRule, occurs: 'many' } },
};

/**
 * Reads a resource directory. `nodes` are those that are in order even when others are not; whoever reads the file decides
 * whether that is enough. Whose nodes PlanetLab Central is to be asked for is in `planetlab`. Never throws, whatever the input; reads no file and no network.
 *
 * @param source the file's text or bytes, as for parseApplication
 * @param fileName named in messages about the file as a whole
 */
export function parseDirectory(
  source: string | Uint8Array,
  fileName: string,
): { readonly nodes: NodeSpec[]; readonly planetlab?: PlanetLabAccount; readonly diagnostics: Diagnostic[] } {
  const read = readXml(source);
  if ('diagnostic' in read) return { nodes: [], diagnostics: [read.diagnostic] };
  const { root } = read.document;
  const problems = new Problems(read.document);
  if (!checkRoot(root, fileName, 'resource_manager', problems))
    return { nodes: [], diagnostics: problems.list() };
  checkStructure(root, DIRECTORY, problems);
  const hostnames = new Names('node', problems);
  const nodes: NodeSpec[] = [];
  let planetlab: PlanetLabAccount | undefined;
  let localNodes = 0;
  for (const manager of childrenNamed(root, 'resource_manager')) {
    if (attributeSetting(manager, 'type')?.value === 'planetlab') {
      if (planetlab !== undefined)
        problems.error(
          'DUPLICATE_NAME',
          manager,
          'Only one resource_manager may be of type planetlab',
          'type',
        );
      planetlab = readPlanetLab(manager, problems);
      continue;
    }
    const made = readManager(manager, MAX_LOCAL_NODES - localNodes, hostnames, problems);
    localNodes += made.filter((node) => node.type === 'local').length;
    for (const node of made) nodes.push(node);
  }
  return { nodes, ...(planetlab && { planetlab }), diagnostics: problems.list() };
}

function readManager(
  manager: XmlElement,
  localRoom: number,
  hostnames: Names,
  problems: Problems,
): NodeSpec[] {
  switch (enumValue(attributeSetting(manager, 'type'), ['ssh', 'local', 'planetlab'], problems)) {
    case 'ssh':
      return childrenNamed(manager, 'node').flatMap((node) => readNode(node, hostnames, problems) ?? []);
    case 'local':
      return readLocal(manager, localRoom, hostnames, problems);
    case 'planetlab':
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
  const count = integerValue(attributeSetting(manager, 'count'), COUNT, problems);
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
