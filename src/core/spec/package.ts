/** Reads `package`: where software comes from (section 4.2 and figure 7 of plush-toit.2011). */
import type { PackageSpec, SoftwareSpec } from '../../../api/spec.ts';
import { checkHostname } from '../pool/hostname.ts';
import type { Problems } from './problems.ts';
import { sizeValue } from './quantities.ts';
import { PACKAGE_SIZE } from './value-rule.ts';
import {
  attributeSetting,
  child,
  definedName,
  enumValue,
  fail,
  insidePath,
  label,
  quoted,
  type Setting,
  scalarSetting,
  userValue,
  webUrl,
} from './values.ts';
import type { XmlElement } from './xml-tree.ts';

const TYPES = ['web', 'ftp', 'scp', 'rsync', 'file', 'inline'] as const;
/** Longest inline package, in UTF-16 units; it travels with the application. */
const MAX_CONTENT_LENGTH = 256 * 1024;

/**
 * A package, or undefined after its problems have been reported. Of software that a package manager knows, the name is
 * all that is needed.
 */
export function readPackage(
  element: XmlElement,
  software: SoftwareSpec['type'] | undefined,
  problems: Problems,
): PackageSpec | undefined {
  const name = definedName(element, problems);
  const typeSetting = attributeSetting(element, 'type');
  const written = scalarSetting(element, ['path'], problems);
  if ((software === 'apt' || software === 'yum') && !typeSetting && !written) {
    return name === undefined ? undefined : { name, type: 'inline', path: '', dest_path: '' };
  }
  const type = enumValue(typeSetting, TYPES, problems);
  if (!element.attributes.has('type')) {
    problems.error('MISSING_ATTRIBUTE', element, `${label(element)} needs the attribute type`);
  }
  if (type !== 'inline' && !written && !child(element, 'path')) {
    problems.error('MISSING_ELEMENT', element, `${label(element)} needs an element path inside`);
  }
  const content = readContent(element, type, written, problems);
  const path = type === 'inline' ? '' : readPath(written, type, problems);
  const destination = readDestination(element, path, problems);
  const sha256 = readHash(scalarSetting(element, ['sha256'], problems), problems);
  const size = sizeValue(scalarSetting(element, ['size'], problems), PACKAGE_SIZE, problems);
  if (name === undefined || type === undefined || path === undefined || destination === undefined)
    return undefined;
  return {
    name,
    type,
    path,
    ...(content !== undefined && { content }),
    dest_path: destination,
    ...(sha256 !== undefined && { sha256 }),
    ...(size !== undefined && { size }),
  };
}

function readContent(
  element: XmlElement,
  type: PackageSpec['type'] | undefined,
  path: Setting | undefined,
  problems: Problems,
): string | undefined {
  const content = child(element, 'content');
  if (type === 'inline') {
    if (path) fail(problems, 'CONTRADICTION', path, 'A package of type inline has no path: leave it out');
    if (!content)
      problems.error('MISSING_ELEMENT', element, `${label(element)} needs an element content inside`);
    if (content && content.text.length > MAX_CONTENT_LENGTH) {
      const message = `content has more than ${MAX_CONTENT_LENGTH} characters: use type="file"`;
      problems.error('TOO_LARGE', content, message);
    }
    return content?.text;
  }
  if (content && type) {
    problems.error('CONTRADICTION', content, `content is for packages of type inline, but this is ${type}`);
  }
  return undefined;
}

function readPath(setting: Setting | undefined, type: PackageSpec['type'] | undefined, problems: Problems) {
  if (!setting || type === undefined) return undefined;
  switch (type) {
    case 'web':
      return webUrl(setting, problems);
    case 'ftp':
      return schemeUrl(setting, 'ftp', problems);
    case 'rsync':
      return setting.value.startsWith('rsync:')
        ? schemeUrl(setting, 'rsync', problems)
        : remotePath(setting, 'rsync', problems);
    case 'file':
      return insidePath(setting, problems);
    default:
      return remotePath(setting, 'scp', problems);
  }
}

function schemeUrl(setting: Setting, scheme: 'ftp' | 'rsync', problems: Problems): string | undefined {
  const { value } = setting;
  const written = value.startsWith(`${scheme}://`) && /^[a-z]+:\/\/[^\s/][^\s\p{Cc}]*$/u.test(value);
  if (written && URL.canParse(value)) return value;
  const message = `${quoted(value)} is not an ${scheme} URL, such as ${scheme}://host/file.tar`;
  fail(problems, 'BAD_URL', setting, message);
  return undefined;
}

/** `[user@]host:path`; an IPv6 address in brackets. */
function remotePath(setting: Setting, type: 'scp' | 'rsync', problems: Problems): string | undefined {
  const { value } = setting;
  const parts = /^(?:([^/:]*)@)?(\[[^\]]*\]|[^:[\]/]*):([^\p{Cc}]+)$/u.exec(value);
  if (!parts) {
    fail(
      problems,
      'BAD_VALUE',
      setting,
      `${quoted(value)} is not written [user@]host:path, as type="${type}" needs it`,
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
      .replace(/^[a-z]+:\/\/[^/]*/i, '')
      .replace(/[?#].*$/, '')
      .split(/[/:]/)
      .at(-1) ?? '';
  if (/^[\w.+~-]+$/.test(last) && last !== '.' && last !== '..') return last;
  const why = path === '' ? '' : ': its path does not end with a file name';
  problems.error('MISSING_ELEMENT', element, `${label(element)} needs an element dest_path inside${why}`);
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
