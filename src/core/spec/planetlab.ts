/** Reads `resource_manager type="planetlab"`: an account at PlanetLab Central and its slices (figure 6 of plush-toit.2011). */
import { checkUserName } from '../pool/hostname.ts';
import { MAX_SLICES, type PlanetLabAccount, type SlicePort } from '../pool/slice.ts';
import { Names } from './names.ts';
import type { Problems } from './problems.ts';
import { type ElementRule, required } from './rule.ts';
import { TEXT } from './value-rule.ts';
import { attributeSetting, child, childrenNamed, fail, integerValue, quoted, textSetting } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** A login is an e-mail address, whose longest is 254 characters (RFC 5321). */
const MAX_LOGIN_LENGTH = 255;
const PORTS = { type: 'integer', min: 1, max: 65_535 } as const;

export const portMapRule: ElementRule = {
  kind: 'port_map',
  about: 'A slice whose nodes are wanted',
  attributes: {
    slice: required(TEXT, 'The slice, which is also the user and the group of its nodes'),
    port: required(PORTS, 'The port in the names of its nodes; each slice has its own'),
  },
};

/** What is in order; undefined without a login. */
export function readPlanetLab(manager: XmlElement, problems: Problems): PlanetLabAccount | undefined {
  const login = textSetting(child(manager, 'user'), problems);
  const maps = childrenNamed(manager, 'port_map');
  if (maps.length > MAX_SLICES)
    problems.error('TOO_LARGE', manager, `resource_manager has ${maps.length} port_map, over ${MAX_SLICES}`);
  const names = new Names('slice', problems);
  const ports = new Map<number, string>();
  const slices = maps.slice(0, MAX_SLICES).flatMap((map) => readPortMap(map, names, ports, problems) ?? []);
  if (login === undefined) return undefined;
  if (login.value.length > MAX_LOGIN_LENGTH)
    fail(problems, 'TOO_LARGE', login, `user is longer than ${MAX_LOGIN_LENGTH} characters`);
  return { user: login.value, slices };
}

function readPortMap(
  map: XmlElement,
  names: Names,
  ports: Map<number, string>,
  problems: Problems,
): SlicePort | undefined {
  const port = integerValue(attributeSetting(map, 'port'), PORTS, problems);
  const setting = attributeSetting(map, 'slice');
  if (!setting) return undefined;
  const slice = setting.value;
  const reason = checkUserName(slice);
  if (reason !== undefined) fail(problems, 'BAD_VALUE', setting, `slice ${quoted(slice)} ${reason}`);
  if (!names.claim(slice, map, 'slice') || port === undefined || reason !== undefined) return undefined;
  const holder = ports.get(port);
  if (holder !== undefined) {
    const why = 'a host of both would have two nodes of one name';
    problems.error('DUPLICATE_NAME', map, `port ${port} is that of slice ${quoted(holder)}: ${why}`, 'port');
    return undefined;
  }
  ports.set(port, slice);
  return { slice, port };
}
