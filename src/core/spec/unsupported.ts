/**
 * What belongs to the specification language but is not carried out by this version, in one place.
 *
 * Taking something up means deleting its entry here and adding its rule to the grammar. Sources: design page of the
 * specification language; figures 14, 16 and 18 of plush-toit.2011 and figure 3 of plush-osr.2006.
 */

/** Elements by the kind of the parent's rule. */
const ELEMENTS: Readonly<Record<string, readonly string[]>> = {
  software: ['version', 'version_check', 'uninstall', 'require'],
  component: ['authentication'],
  rspec: ['max_load', 'min_free_memory'],
  application_block: ['liveness_monitor', 'exit_policy', 'cleanup', 'output'],
  execution: ['barrier_block', 'workflow_block'],
  component_block: ['barrier_block', 'workflow_block', 'cleanup', 'output'],
  process: [
    'stdin',
    'user',
    'timeout',
    'stop_signal',
    'stop_grace',
    'log_manager',
    'exit_policy',
    'liveness_monitor',
    'output',
  ],
  cmdline: ['substitution'],
};

/** Elements of the other two dialects, by the kind of the parent's rule. */
const DIALECT_ELEMENTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  project: {
    configuration: 'the 2006 dialect (configuration and cluster)',
    cluster: 'the 2006 dialect (configuration and cluster)',
    application: 'the 2006 dialect (configuration and cluster)',
    experiment: 'the 2007 dialect (experiment)',
  },
  component: { num_hosts: 'the 2007 dialect (num_hosts outside rspec)' },
};

/** Attributes by the kind of the rule. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  application_block: ['reconnect_interval'],
};

/** Values of an attribute by the kind of the rule. */
const VALUES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  software: { type: ['tbz2', 'zip', 'gz', 'rpm', 'apt', 'yum'] },
  package: { type: ['rsync', 'ftp', 'file', 'inline'] },
  application_block: { service: ['1', 'true'] },
  resource_manager: { type: ['planetlab'] },
};

/** Why an element is not supported, as a sentence; undefined when it is no part of the language there. */
export function unsupportedElement(kind: string, name: string): string | undefined {
  if (table(ELEMENTS, kind)?.includes(name)) {
    return `${name} is part of the language, but this version cannot run it`;
  }
  const dialects = table(DIALECT_ELEMENTS, kind);
  const dialect = dialects && table(dialects, name);
  if (dialect === undefined) return undefined;
  return `${name} belongs to ${dialect}, which this version cannot read. Write it with component and application_block`;
}

export function isUnsupportedAttribute(kind: string, name: string): boolean {
  return table(ATTRIBUTES, kind)?.includes(name) ?? false;
}

export function isUnsupportedValue(kind: string, attribute: string, value: string): boolean {
  const values = table(VALUES, kind);
  return (values && table(values, attribute)?.includes(value)) ?? false;
}

function table<T>(entries: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}
