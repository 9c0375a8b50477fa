/**
 * The application specification of plush-toit.2011 as far as this version carries it out; api/plush-application.xsd says
 * the same. What else belongs to the language is in unsupported.ts.
 *
 * The scalar settings of a package are taken as elements, as the figures print them, and as attributes. A package says
 * `dest_path` in figure 7 and `dest` in figures 14, 16 and 18: both are read.
 */
import type { ChildRule, ElementRule, Occurs } from './structure.ts';

const NAMED = { name: 'required' } as const;

function children(occurs: Occurs, rules: Readonly<Record<string, ElementRule>>): Record<string, ChildRule> {
  return Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, { rule, occurs }]));
}

/** An element that has only text. */
function textRule(kind: string): ElementRule {
  return { kind, text: true };
}

/** An element that refers to another by name. */
function reference(kind: string): ElementRule {
  return { kind, attributes: NAMED };
}

const packageRule: ElementRule = {
  kind: 'package',
  attributes: {
    name: 'required',
    type: 'required',
    path: 'optional',
    dest_path: 'optional',
    dest: 'optional',
    sha256: 'optional',
    size: 'optional',
  },
  children: children('optional', {
    path: textRule('path'),
    dest_path: textRule('dest_path'),
    dest: textRule('dest'),
    sha256: textRule('sha256'),
    size: textRule('size'),
  }),
};

const softwareRule: ElementRule = {
  kind: 'software',
  attributes: { name: 'required', type: 'required' },
  children: children('optional', { package: packageRule, install: textRule('install') }),
};

const rspecRule: ElementRule = {
  kind: 'rspec',
  children: {
    ...children('one', {
      num_hosts: { kind: 'num_hosts', attributes: { min: 'optional', max: 'optional' }, text: true },
    }),
    ...children('many', { static_host: textRule('static_host'), preferred_host: textRule('preferred_host') }),
    ...children('optional', {
      sword: { kind: 'sword', opaque: true },
      shirako: { kind: 'shirako', opaque: true },
      usher: { kind: 'usher', opaque: true },
    }),
  },
};

const resourceRule: ElementRule = { kind: 'resource', attributes: { type: 'optional', group: 'optional' } };

const componentRule: ElementRule = {
  kind: 'component',
  attributes: NAMED,
  children: {
    ...children('one', { rspec: rspecRule }),
    ...children('optional', {
      resources: { kind: 'resources', children: children('some', { resource: resourceRule }) },
    }),
    ...children('many', { software: reference('component.software') }),
  },
};

/** `<env name="K">V</env>`, any number of them, or `<env>` around `<var name="K">V</var>`; env.ts tells them apart. */
const envRule: ElementRule = {
  kind: 'env',
  attributes: { name: 'optional' },
  children: children('many', { var: { kind: 'var', attributes: NAMED, text: true } }),
  text: true,
};

const processRule: ElementRule = {
  kind: 'process',
  attributes: NAMED,
  children: {
    ...children('one', { path: textRule('path') }),
    ...children('optional', {
      cwd: textRule('cwd'),
      cmdline: { kind: 'cmdline', children: children('many', { arg: textRule('arg') }) },
    }),
    ...children('many', { env: envRule }),
  },
};

const processBlockRule: ElementRule = {
  kind: 'process_block',
  attributes: NAMED,
  children: {
    ...children('one', { process: processRule }),
    ...children('many', { predecessor: reference('predecessor') }),
  },
};

const componentBlockRule: ElementRule = {
  kind: 'component_block',
  attributes: NAMED,
  children: {
    ...children('one', { component: reference('component_block.component') }),
    ...children('some', { process_block: processBlockRule }),
    ...children('many', { predecessor: reference('predecessor') }),
  },
};

const applicationBlockRule: ElementRule = {
  kind: 'application_block',
  attributes: { name: 'required', service: 'optional' },
  children: children('one', {
    execution: { kind: 'execution', children: children('some', { component_block: componentBlockRule }) },
  }),
};

const projectRule: ElementRule = {
  kind: 'project',
  attributes: NAMED,
  children: {
    ...children('many', { software: softwareRule, component: componentRule }),
    ...children('optional', { application_block: applicationBlockRule }),
  },
};

/** The root of an application file. */
export const APPLICATION: ElementRule = {
  kind: 'plush',
  children: children('one', { project: projectRule }),
};
