/** Reads `software` and its `package` (section 4.2 and figure 7 of plush-toit.2011). */
import type { SoftwareSpec } from '../../../api/spec.ts';
import { type Reference, readReferences } from './component.ts';
import { readPackage } from './package.ts';
import type { Problems } from './problems.ts';
import { attributeSetting, child, definedName, enumValue, label, textSetting } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

const TYPES = ['tar', 'tgz', 'tbz2', 'zip', 'gz', 'rpm', 'apt', 'yum', 'none'] as const;

/** Software with the places of what it requires. */
export interface ReadSoftware {
  readonly spec: SoftwareSpec;
  readonly element: XmlElement;
  readonly requires: readonly Reference[];
}

/** A software element, or undefined after its problems have been reported. */
export function readSoftware(element: XmlElement, problems: Problems): ReadSoftware | undefined {
  const name = definedName(element, problems);
  const type = enumValue(attributeSetting(element, 'type'), TYPES, problems);
  const packageElement = child(element, 'package');
  const packageSpec = packageElement && readPackage(packageElement, type, problems);
  const install = textSetting(child(element, 'install'), problems);
  const uninstall = textSetting(child(element, 'uninstall'), problems);
  const check = child(element, 'version_check');
  const command = textSetting(check, problems)?.value;
  const expect = check && attributeSetting(check, 'expect')?.value;
  const requires = readReferences(element, 'require', problems);
  if (!packageElement && type !== undefined && type !== 'none' && type !== 'apt' && type !== 'yum') {
    const message = `${label(element)} needs a package to unpack: add one, or write type="none"`;
    problems.error('MISSING_ELEMENT', element, message);
  }
  if (name === undefined || type === undefined) return undefined;
  const spec: SoftwareSpec = {
    name,
    type,
    ...(packageSpec && { package: packageSpec }),
    ...(install && { install: install.value }),
    ...(command !== undefined && {
      version_check: { command, ...(expect !== undefined && { expect }) },
    }),
    ...(uninstall && { uninstall: uninstall.value }),
    ...(requires.length > 0 && { requires: requires.map((reference) => reference.name) }),
  };
  return { spec, element, requires };
}
