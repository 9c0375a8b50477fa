/** Specifications for tests, written short. */

export interface ProcessText {
  /** Of the process block, and of its process. */
  readonly name: string;
  readonly path: string;
  readonly cwd?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly after?: readonly string[];
  /** Further elements of the process, as they are. */
  readonly xml?: string;
}

export interface BlockText {
  readonly name: string;
  readonly component: string;
  readonly processes: readonly ProcessText[];
  /** Names of blocks that must complete first. */
  readonly after?: readonly string[];
}

export interface ComponentText {
  readonly name: string;
  readonly hosts: number | { readonly min: number; readonly max: number };
  readonly staticHosts?: readonly string[];
  readonly software?: readonly string[];
  /** @default 'lab' */
  readonly group?: string;
  /** Further elements of its rspec, and of the component, as they are. */
  readonly rspecXml?: string;
  readonly xml?: string;
}

export interface ApplicationText {
  readonly name?: string;
  /** Name to the URL of a tar. */
  readonly software?: Readonly<Record<string, string>>;
  readonly components: readonly ComponentText[];
  readonly blocks: readonly BlockText[];
  /** Attributes of the application block. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Further elements of the application block, as they are. */
  readonly xml?: string;
}

/** The XML text of an application. */
export function applicationXml(text: ApplicationText): string {
  const { name = 'app', software = {}, components, blocks, attributes = {}, xml = '' } = text;
  const settings = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<plush><project name="test">',
    ...Object.entries(software).map(([software, url]) => softwareXml(software, url)),
    ...components.map(componentXml),
    `<application_block name="${escaped(name)}"${settings.join('')}><execution>`,
    ...blocks.map(blockXml),
    `</execution>${xml}</application_block>`,
    '</project></plush>',
  ].join('\n');
}

/** One component, one block, one process that runs a shell script on each of `hosts` nodes. */
export function shellApplication(
  script: string,
  hosts: ComponentText['hosts'] = 1,
  more: Partial<ApplicationText> = {},
): string {
  const processes = [{ name: 'main', path: '/bin/sh', args: ['-c', script] }];
  return applicationXml({
    components: [{ name: 'workers', hosts }],
    blocks: [{ name: 'all', component: 'workers', processes }],
    ...more,
  });
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function softwareXml(name: string, url: string): string {
  const item = `<package name="${name}.tar" type="web"><path>${escaped(url)}</path><dest_path>${name}.tar</dest_path></package>`;
  return `<software name="${name}" type="tar">${item}</software>`;
}

function componentXml({
  name,
  hosts,
  staticHosts = [],
  software = [],
  group = 'lab',
  rspecXml = '',
  xml = '',
}: ComponentText): string {
  const count =
    typeof hosts === 'number'
      ? `<num_hosts>${hosts}</num_hosts>`
      : `<num_hosts min="${hosts.min}" max="${hosts.max}"/>`;
  const fixed = staticHosts.map((host) => `<static_host>${host}</static_host>`).join('');
  const programs = software.map((one) => `<software name="${one}"/>`).join('');
  const resources = `<resources><resource group="${group}"/></resources>`;
  return `<component name="${name}"><rspec>${count}${fixed}${rspecXml}</rspec>${programs}${resources}${xml}</component>`;
}

function blockXml({ name, component, processes, after = [] }: BlockText): string {
  const content = [
    `<component name="${component}"/>`,
    ...processes.map(processXml),
    ...after.map(predecessorXml),
  ];
  return `<component_block name="${name}">${content.join('')}</component_block>`;
}

function processXml({ name, path, cwd, args = [], env = {}, after = [], xml = '' }: ProcessText): string {
  const folder = cwd === undefined ? '' : `<cwd>${escaped(cwd)}</cwd>`;
  const words = args.map((arg) => `<arg>${escaped(arg)}</arg>`).join('');
  const variables = Object.entries(env).map(([key, value]) => `<env name="${key}">${escaped(value)}</env>`);
  const inner = `<path>${escaped(path)}</path>${folder}<cmdline>${words}</cmdline>${variables.join('')}${xml}`;
  return `<process_block name="${name}"><process name="${name}">${inner}</process>${after.map(predecessorXml).join('')}</process_block>`;
}

function predecessorXml(name: string): string {
  return `<predecessor name="${name}"/>`;
}
