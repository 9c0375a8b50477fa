/** Reads `software` and its `package` (section 4.2 and figure 7 of plush-toit.2011). */
import type { PackageSpec, SoftwareSpec } from '../../../api/spec.ts';
import { checkHostname } from '../pool/hostname.ts';
import type { Problems } from './problems.ts';
import {
  attributeSetting,
  child,
  definedName,
  enumValue,
  fail,
  insidePath,
  integerValue,
  label,
  quoted,
  type Setting,
  scalarSetting,
  textSetting,
  userValue,
  webUrl,
} from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** Largest package in bytes that can be asked for: 1 TiB. */
const MAX_PACKAGE_BYTES = 1_099_511_627_776;

/** A software element, or undefined after its problems have been reported. */
export function readSoftware(element: XmlElement, problems: Problems): SoftwareSpec | undefined {
  const name = definedName(element, problems);
  const type = enumValue(attributeSetting(element, 'type'), 'software', ['tar', 'tgz', 'none'], problems);
  const packageElement = child(element, 'package');
  const packageSpec = packageElement && readPackage(packageElement, problems);
  const install = textSetting(child(element, 'install'), problems);
  if (!packageElement && (type === 'tar' || type === 'tgz')) {
    const message = `${label(element)} needs a package to unpack: add one, or write type="none"`;
    problems.error('MISSING_ELEMENT', element, message);
  }
  if (name === undefined || type === undefined) return undefined;
  return {
    name,
    type,
    ...(packageSpec && { package: packageSpec }),
    ...(install && { install: install.value }),
  };
}

function readPackage(element: XmlElement, problems: Problems): PackageSpec | undefined {
  const name = definedName(element, problems);
  const type = enumValue(attributeSetting(element, 'type'), 'package', ['web', 'scp'], problems);
  const written = scalarSetting(element, ['path'], problems);
  if (!written && !child(element, 'path')) {
    problems.error('MISSING_ELEMENT', element, `${label(element)} needs an element path inside`);
  }
  const path = readPath(written, type, problems);
  const destination = readDestination(element, path, problems);
  const sha256 = readHash(scalarSetting(element, ['sha256'], problems), problems);
  const range = { min: 0, max: MAX_PACKAGE_BYTES };
  const size = integerValue(scalarSetting(element, ['size'], problems), range, problems);
  if (name === undefined || type === undefined || path === undefined || destination === undefined)
    return undefined;
  return {
    name,
    type,
    path,
    dest_path: destination,
    ...(sha256 !== undefined && { sha256 }),
    ...(size !== undefined && { size }),
  };
}

function readPath(setting: Setting | undefined, type: 'web' | 'scp' | undefined, problems: Problems) {
  if (!setting || type === undefined) return undefined;
  return type === 'web' ? webUrl(setting, problems) : scpPath(setting, problems);
}

/** `[user@]host:path`; an IPv6 address in brackets. */
function scpPath(setting: Setting, problems: Problems): string | undefined {
  const { value } = setting;
  const parts = /^(?:([^/:]*)@)?(\[[^\]]*\]|[^:[\]/]*):([^\p{Cc}]+)$/u.exec(value);
  if (!parts) {
    fail(
      problems,
      'BAD_VALUE',
      setting,
      `${quoted(value)} is not written [user@]host:path, as type="scp" needs it`,
    );
    return undefined;
  }
  const [, user, host = ''] = parts;
  const reason = checkHostname(host);
  if (reason !== undefined) {
    fail(problems, 'BAD_VALUE', setting, `Host ${quoted(host)} of ${quoted(value)} ${reason}`);
    return undefined;
  }
  if (user !== undefined && userValue({ ...setting, value: user }, problems) === undefined) return undefined;
  return value;
}

/** `dest_path` or `dest`; without either the last part of the path, as in figure 3 of plush-osr.2006. */
function readDestination(
  element: XmlElement,
  path: string | undefined,
  problems: Problems,
): string | undefined {
  const setting = scalarSetting(element, ['dest_path', 'dest'], problems);
  if (setting) return fileName(setting, problems);
  if (path === undefined || child(element, 'dest_path') || child(element, 'dest')) return undefined;
  const last =
    path
      .replace(/^https?:\/\/[^/]*/i, '')
      .replace(/[?#].*$/, '')
      .split(/[/:]/)
      .at(-1) ?? '';
  if (/^[\w.+~-]+$/.test(last) && last !== '.' && last !== '..') return last;
  const message = `${label(element)} needs an element dest_path inside: its path does not end with a file name`;
  problems.error('MISSING_ELEMENT', element, message);
  return undefined;
}

function fileName(setting: Setting, problems: Problems): string | undefined {
  const path = insidePath(setting, problems);
  if (path === undefined) return undefined;
  const last = path.split('/').at(-1);
  if (last !== '' && last !== '.') return path;
  fail(problems, 'BAD_VALUE', setting, `${quoted(path)} does not end with a file name`);
  return undefined;
}

function readHash(setting: Setting | undefined, problems: Problems): string | undefined {
  if (!setting) return undefined;
  if (/^[0-9a-f]{64}$/i.test(setting.value)) return setting.value.toLowerCase();
  const { length } = setting.value;
  const message = `sha256 is not 64 hexadecimal digits (it has ${length} characters); sha256sum prints them`;
  fail(problems, 'BAD_HASH', setting, message);
  return undefined;
}
