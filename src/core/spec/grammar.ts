/**
 * The whole language of applications, in its three dialects, as one table: the parser checks files against it, and
 * api/plush-application.xsd and docs/specification-reference.md are made from it. What of it this version cannot run is
 * in unsupported.ts.
 *
 * The scalar settings of a package are taken as elements, as the figures print them, and as attributes. A package says
 * `dest_path` in figure 7 and `dest` in figures 14, 16 and 18: both are read.
 */
import { applicationBlockRule, reference } from './grammar-blocks.ts';
import { processRule } from './grammar-process.ts';
import { children, type ElementRule, oneOf, optional, required, textRule } from './rule.ts';
import { EXACT, HOSTS, NAME, PACKAGE_SIZE, PATH, TEXT } from './value-rule.ts';

const PACKAGE_SETTINGS = {
  path: [TEXT, 'Where it comes from, in the form that the type says'],
  dest_path: [PATH, 'File name under which it is saved; without it the last part of path'],
  dest: [PATH, 'The same as dest_path'],
  sha256: [{ type: 'sha256' }, 'Digest that its bytes must have'],
  size: [PACKAGE_SIZE, 'Exact size that it must have'],
} as const;

const packageRule: ElementRule = {
  kind: 'package',
  about: 'Where software comes from. Each setting is written as an attribute or as an element',
  since: '2006',
  attributes: {
    name: required(
      NAME,
      'Its name in reports; for software of type apt and yum, what the package manager knows',
    ),
    type: optional(
      oneOf({
        web: 'the node fetches an http or https URL',
        ftp: 'the node fetches an ftp URL',
        scp: 'the controller reads [user@]host:path over SSH and hands it to the nodes',
        rsync: 'the node’s own rsync fetches an rsync URL or [user@]host:path',
        file: 'a file below the controller’s folder of applications',
        inline: 'the text in content',
      }),
      'How it is transferred; needed unless the software is of type apt or yum',
    ),
    ...Object.fromEntries(
      Object.entries(PACKAGE_SETTINGS).map(([name, [value, about]]) => [name, optional(value, about)]),
    ),
  },
  children: children('optional', {
    ...Object.fromEntries(
      Object.entries(PACKAGE_SETTINGS).map(([name, [value, about]]) => [
        name,
        textRule(`package.${name}`, value, about, name === 'path' ? { since: '2006' } : {}),
      ]),
    ),
    content: textRule(
      'content',
      EXACT,
      'The package itself, exactly as given; only for inline, which needs it',
    ),
  }),
};

const softwareRule: ElementRule = {
  kind: 'software',
  about: 'A piece of software that components install',
  since: '2006',
  attributes: {
    name: required(NAME, 'Its name, different from that of every other software'),
    type: required(
      oneOf({
        tar: 'unpacked with tar, gzip-compressed or not',
        tgz: 'unpacked with tar, gzip-compressed',
        tbz2: 'unpacked with tar, bzip2-compressed',
        zip: 'unpacked with unzip',
        gz: 'one file, unpacked with gunzip',
        rpm: 'installed with rpm',
        apt: 'installed with apt-get',
        yum: 'installed with yum',
        none: 'left as it came',
      }),
      'How it is installed',
    ),
  },
  children: {
    ...children('optional', {
      package: packageRule,
      install: textRule('install', TEXT, 'Shell command run in the working folder after unpacking'),
      version_check: {
        kind: 'version_check',
        about: 'Shell command that shows whether the right version is installed',
        attributes: {
          expect: optional(TEXT, 'What the command must print; without it its success is enough'),
        },
        text: TEXT,
      },
      uninstall: textRule(
        'uninstall',
        TEXT,
        'Shell command run in the working folder before the node is cleaned',
      ),
    }),
    ...children('many', { require: reference('require', 'Software that must be installed before') }),
  },
};

const numHostsRule: ElementRule = {
  kind: 'num_hosts',
  about: 'How many nodes: a number as text, or a range',
  since: '2006',
  attributes: {
    min: optional(HOSTS, 'The run goes on with this many, and fails below it'),
    max: optional(HOSTS, 'The run takes more nodes up to this many'),
  },
  text: HOSTS,
  mayBeEmpty: true,
};

const rspecRule: ElementRule = {
  kind: 'rspec',
  about: 'How many nodes, and what is asked of them',
  since: '2006',
  children: {
    ...children('one', { num_hosts: numHostsRule }),
    ...children('many', {
      static_host: textRule(
        'static_host',
        TEXT,
        'host or user@host that must be used; its loss ends the run',
      ),
      preferred_host: textRule('preferred_host', TEXT, 'host or user@host that is used before others'),
      requirement: {
        kind: 'requirement',
        about: 'What a node must measure to be chosen; a minimum, a maximum or both',
        attributes: {
          metric: required(
            oneOf({
              load: 'one-minute load average',
              load_per_cpu: 'load average divided by the processors',
              free_memory: 'bytes, such as 512M',
              free_disk: 'bytes, such as 10G',
              total_memory: 'bytes, such as 4G',
              cpus: 'number of processors',
            }),
            'What is measured',
          ),
          min: optional({ type: 'bound' }, 'Least value'),
          max: optional({ type: 'bound' }, 'Greatest value'),
        },
      },
    }),
    ...children('optional', {
      sword: { kind: 'sword', about: 'A query to SWORD, kept as written', opaque: true },
      shirako: { kind: 'shirako', about: 'A request to Shirako, kept as written', opaque: true },
      usher: { kind: 'usher', about: 'A request to Usher, kept as written', opaque: true },
    }),
  },
};

const resourcesRule: ElementRule = {
  kind: 'resources',
  about: 'Pools to choose nodes from; without it every node will do',
  since: '2006',
  children: children('some', {
    resource: {
      kind: 'resource',
      about: 'A pool: nodes of the type and the group',
      since: '2006',
      attributes: { type: optional(TEXT, 'Type of the nodes'), group: optional(TEXT, 'Group of the nodes') },
    },
  }),
};

const componentRule: ElementRule = {
  kind: 'component',
  about: 'A named group of nodes',
  attributes: { name: required(NAME, 'Its name, different from that of every other component') },
  children: {
    ...children('optional', {
      rspec: rspecRule,
      num_hosts: { ...numHostsRule, since: '2007' },
      resources: resourcesRule,
      authentication: {
        kind: 'authentication',
        about: 'How to log in to the nodes, where the node itself does not say',
        attributes: {
          user: optional(NAME, 'Login name'),
          ssh_identity: optional(TEXT, 'Private key file on the controller'),
        },
      },
    }),
    ...children('many', { software: reference('component.software', 'Software to install, in this order') }),
  },
  needsOneOf: ['rspec', 'num_hosts'],
};

const clusterRule: ElementRule = {
  kind: 'cluster',
  about: 'A component and its work in one: its processes run one after another on each node',
  since: '2006',
  attributes: { name: required(NAME, 'Its name') },
  children: {
    ...children('one', {
      rspec: rspecRule,
      execution: {
        kind: 'cluster.execution',
        about: 'The processes, in order',
        since: '2006',
        children: children('some', { process: processRule }),
      },
    }),
    ...children('optional', { resources: resourcesRule }),
    ...children('many', { software: reference('component.software', 'Software to install, in this order') }),
  },
};

const configurationRule: ElementRule = {
  kind: 'configuration',
  about: 'Clusters that run at the same time',
  since: '2006',
  attributes: { name: required(NAME, 'Its name, different from that of every other configuration') },
  children: {
    ...children('some', { cluster: clusterRule }),
    ...children('optional', { resources: resourcesRule }),
  },
};

const applicationRule: ElementRule = {
  kind: 'application',
  about: 'Configurations that run one after another. Several applications run one after another too',
  since: '2006',
  attributes: { name: required(NAME, 'Its name; the application’s in the API where there is one alone') },
  children: children('one', {
    execution: {
      kind: 'application.execution',
      about: 'The configurations, in order',
      since: '2006',
      children: children('some', {
        configuration: {
          ...reference('execution.configuration', 'A configuration of the project'),
          since: '2006',
        },
      }),
    },
  }),
};

const projectRule: ElementRule = {
  kind: 'project',
  about: 'All that belongs to one application',
  since: '2006',
  attributes: { name: required(NAME, 'Its name') },
  children: {
    ...children('many', {
      software: softwareRule,
      component: componentRule,
      configuration: configurationRule,
      application: applicationRule,
    }),
    ...children('optional', {
      application_block: applicationBlockRule,
      experiment: {
        ...applicationBlockRule,
        about: 'The application block as the Plush site of 2007 calls it',
        since: '2007',
      },
    }),
  },
};

/** The root of an application file. */
export const APPLICATION: ElementRule = {
  kind: 'plush',
  about: 'The root of the file',
  since: '2006',
  children: children('one', { project: projectRule }),
};
