/** Reads `component`: how many nodes, which, and what they need (sections 4.2 to 4.4 of plush-toit.2011). */
import type { ComponentSpec, HostReference } from '../../../api/spec.ts';
import { checkHostname } from '../pool/hostname.ts';
import { Names } from './names.ts';
import type { Problems } from './problems.ts';
import { readRequests } from './requests.ts';
import { readRequirements } from './requirements.ts';
import { HOSTS } from './value-rule.ts';
import {
  attributeSetting,
  child,
  childrenNamed,
  definedName,
  fail,
  integerValue,
  label,
  quoted,
  textSetting,
  userValue,
} from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** What the 2006 paper calls the type that the 2011 paper calls planetlab. */
const PLANETLAB_2006 = 'plab';

/** A name used where another element defines it. */
export interface Reference {
  readonly name: string;
  readonly element: XmlElement;
}

/** A component with the places of what it refers to. */
export interface ReadComponent {
  readonly spec: ComponentSpec;
  readonly element: XmlElement;
  readonly software: readonly Reference[];
}

/**
 * A component of a project, or undefined after its problems have been reported.
 *
 * @param shared its `resources` where it has none of its own
 */
export function readComponent(
  element: XmlElement,
  problems: Problems,
  shared?: XmlElement,
): ReadComponent | undefined {
  const name = definedName(element, problems);
  const rspec = child(element, 'rspec');
  const direct = child(element, 'num_hosts');
  const counted = rspec ? child(rspec, 'num_hosts') : direct;
  const count = readCount(counted, problems);
  if (rspec && direct) {
    const message = `${label(element)} has num_hosts and an rspec with its own: write one of the two`;
    problems.error('REPEATED_ELEMENT', direct, message);
  }
  const staticHosts = rspec ? readHosts(rspec, 'static_host', problems) : [];
  const preferredHosts = rspec ? readHosts(rspec, 'preferred_host', problems) : [];
  const requests = rspec ? readRequests(rspec, problems) : [];
  const requirements = rspec ? readRequirements(rspec, problems) : [];
  const resources = readResources(child(element, 'resources') ?? shared, problems);
  const authentication = readAuthentication(child(element, 'authentication'), problems);
  const software = readReferences(element, 'software', problems);
  if (rspec && count && staticHosts.length > count.max) {
    const message = `num_hosts allows at most ${count.max}, but ${staticHosts.length} static hosts must be used`;
    problems.error('BAD_NUMBER', child(rspec, 'num_hosts') ?? rspec, message);
  }
  if (name === undefined || !count) return undefined;
  const spec: ComponentSpec = {
    name,
    ...count,
    static_hosts: staticHosts,
    preferred_hosts: preferredHosts,
    software: software.map((reference) => reference.name),
    resources,
    requests,
    ...(requirements.length > 0 && { requirements }),
    ...(authentication && { authentication }),
  };
  return { spec, element, software };
}

function readAuthentication(
  element: XmlElement | undefined,
  problems: Problems,
): ComponentSpec['authentication'] | undefined {
  if (!element) return undefined;
  const user = userValue(attributeSetting(element, 'user'), problems);
  const identity = attributeSetting(element, 'ssh_identity')?.value;
  if (!element.attributes.has('user') && !element.attributes.has('ssh_identity')) {
    const message = 'authentication needs the attribute user or ssh_identity, or both';
    problems.error('MISSING_ATTRIBUTE', element, message);
  }
  return { ...(user !== undefined && { user }), ...(identity !== undefined && { ssh_identity: identity }) };
}

/** The elements `name` of `parent` as references; the same reference twice is reported as DUPLICATE_NAME. */
export function readReferences(parent: XmlElement, name: string, problems: Problems): Reference[] {
  const names = new Names(name, problems, 'mention');
  const references: Reference[] = [];
  for (const element of childrenNamed(parent, name)) {
    const setting = attributeSetting(element, 'name');
    if (setting && names.claim(setting.value, element)) references.push({ name: setting.value, element });
  }
  return references;
}

/** A number as text, or a range as attributes (figure 16). */
function readCount(
  element: XmlElement | undefined,
  problems: Problems,
): { min: number; max: number } | undefined {
  if (!element) return undefined;
  const least = attributeSetting(element, 'min');
  const most = attributeSetting(element, 'max');
  if (!least && !most) {
    const count = integerValue(textSetting(element, problems), HOSTS, problems);
    return count === undefined ? undefined : { min: count, max: count };
  }
  if (element.text.trim() !== '') {
    problems.error('UNEXPECTED_TEXT', element, 'num_hosts has a number and a range: write one of the two');
  }
  if (!least || !most) {
    const missing = least ? 'max' : 'min';
    if (!element.attributes.has(missing)) {
      problems.error('MISSING_ATTRIBUTE', element, `num_hosts needs the attribute ${missing} too`);
    }
    return undefined;
  }
  const min = integerValue(least, HOSTS, problems);
  const max = integerValue(most, HOSTS, problems);
  if (min === undefined || max === undefined) return undefined;
  if (min <= max) return { min, max };
  fail(problems, 'BAD_NUMBER', least, `num_hosts has min ${min}, which is more than its max ${max}`);
  return undefined;
}

/** `host` or `user@host`; the same host twice is reported as DUPLICATE_NAME. */
function readHosts(rspec: XmlElement, name: string, problems: Problems): HostReference[] {
  const names = new Names(name, problems, 'mention');
  const hosts: HostReference[] = [];
  for (const element of childrenNamed(rspec, name)) {
    const setting = textSetting(element, problems);
    if (!setting) continue;
    const at = setting.value.lastIndexOf('@');
    const hostname = setting.value.slice(at + 1);
    const reason = checkHostname(hostname);
    if (reason !== undefined) {
      fail(problems, 'BAD_VALUE', setting, `${name} ${quoted(hostname)} ${reason}`);
      continue;
    }
    if (at === -1) {
      if (names.claim(hostname, element)) hosts.push({ hostname });
      continue;
    }
    const user = userValue({ ...setting, value: setting.value.slice(0, at) }, problems);
    if (user !== undefined && names.claim(hostname, element)) hosts.push({ hostname, user });
  }
  return hosts;
}

function readResources(element: XmlElement | undefined, problems: Problems): ComponentSpec['resources'] {
  if (!element) return [];
  return childrenNamed(element, 'resource').map((resource) => {
    const type = attributeSetting(resource, 'type')?.value;
    const group = attributeSetting(resource, 'group')?.value;
    if (!resource.attributes.has('type') && !resource.attributes.has('group')) {
      const message = `${label(resource)} needs the attribute type or group, or both`;
      problems.error('MISSING_ATTRIBUTE', resource, message);
    }
    const known = type === PLANETLAB_2006 ? 'planetlab' : type;
    return { ...(known !== undefined && { type: known }), ...(group !== undefined && { group }) };
  });
}
