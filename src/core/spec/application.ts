/** The application specification: from a file to the model (sections 3.1 and 4 of plush-toit.2011). */
import type { AppSpec, Diagnostic, SoftwareSpec } from '../../../api/spec.ts';
import { didYouMean } from '../suggest.ts';
import { type ReadBlocks, readApplicationBlock } from './blocks.ts';
import { type ReadComponent, readComponent } from './component.ts';
import { APPLICATION } from './grammar.ts';
import { Names } from './names.ts';
import { checkOrder } from './order.ts';
import { type ProblemCode, Problems } from './problems.ts';
import { checkRoot } from './root.ts';
import { readSoftware } from './software.ts';
import { checkStructure } from './structure.ts';
import { child, childrenNamed, definedName, label, quoted } from './values.ts';
import { readXml, type XmlElement } from './xml-tree.ts';

interface Project {
  readonly software: readonly { readonly spec: SoftwareSpec; readonly element: XmlElement }[];
  readonly components: readonly ReadComponent[];
  readonly blocks: ReadBlocks | undefined;
  /** Names defined in the file, even where the definition has errors of its own. */
  readonly softwareNames: Names;
  readonly componentNames: Names;
}

/**
 * Reads an application specification: `app` is there only when no diagnostic is an error. Diagnostics are in the order of
 * the file, at most 200 and a last note that counts the rest. A project without an application_block (figures 7 and 8) is an application with the
 * project's name and nothing to run. Never throws, whatever the input; reads no file and no network.
 *
 * @param source the file's text, or its bytes in UTF-8, UTF-16 with a byte order mark, or ISO-8859-1 if declared
 * @param fileName named in messages about the file as a whole
 */
export function parseApplication(
  source: string | Uint8Array,
  fileName: string,
): { readonly app?: AppSpec; readonly diagnostics: Diagnostic[] } {
  const read = readXml(source);
  if ('diagnostic' in read) return { diagnostics: [read.diagnostic] };
  const { document } = read;
  const problems = new Problems(document);
  if (!checkRoot(document.root, fileName, 'project', problems)) return { diagnostics: problems.list() };
  checkStructure(document.root, APPLICATION, problems);
  const projectElement = child(document.root, 'project');
  const app = projectElement && readProject(projectElement, problems);
  const diagnostics = problems.list();
  return problems.failed || !app ? { diagnostics } : { app, diagnostics };
}

function readProject(element: XmlElement, problems: Problems): AppSpec | undefined {
  const name = definedName(element, problems);
  if (element.children.length === 0) {
    const message = `${label(element)} is empty: give it software, components and an application_block`;
    problems.error('EMPTY', element, message);
  }
  const softwareNames = new Names('software', problems);
  const componentNames = new Names('component', problems);
  const blockElement = child(element, 'application_block');
  const project: Project = {
    software: readNamed(element, 'software', softwareNames, (found) => {
      const spec = readSoftware(found, problems);
      return spec && { spec, element: found };
    }),
    components: readNamed(element, 'component', componentNames, (found) => readComponent(found, problems)),
    blocks: blockElement && readApplicationBlock(blockElement, problems),
    softwareNames,
    componentNames,
  };
  checkReferences(project, problems);
  if (project.blocks) checkOrder(project.blocks.blocks, problems);
  warnUnused(project, problems);
  const appName = blockElement ? project.blocks?.name : name;
  if (name === undefined || appName === undefined) return undefined;
  return {
    name: appName,
    project: name,
    software: project.software.map((software) => software.spec),
    components: project.components.map((component) => component.spec),
    component_blocks: project.blocks?.componentBlocks ?? [],
  };
}

function readNamed<T>(
  parent: XmlElement,
  kind: string,
  names: Names,
  read: (element: XmlElement) => T | undefined,
): T[] {
  return childrenNamed(parent, kind).flatMap((element) => {
    const name = element.attributes.get('name')?.trim();
    if (name) names.claim(name, element, 'name');
    return read(element) ?? [];
  });
}

function checkReferences(project: Project, problems: Problems): void {
  const { softwareNames, componentNames, blocks } = project;
  for (const { element: user, software } of project.components) {
    for (const { name, element } of software) {
      unknown(
        'UNKNOWN_SOFTWARE',
        softwareNames,
        name,
        element,
        () => `${label(user)} uses software`,
        problems,
      );
    }
  }
  for (const { user, reference } of blocks?.components ?? []) {
    const start = () => `${label(user)} uses component`;
    unknown('UNKNOWN_COMPONENT', componentNames, reference.name, reference.element, start, problems);
  }
  if (!blocks) return;
  const blockNames = new Set([...blocks.blocks.map((block) => block.name), ...blocks.unsupported]);
  for (const { element: user, predecessors } of blocks.blocks) {
    for (const { name, element } of predecessors) {
      unknown(
        'UNKNOWN_BLOCK',
        blockNames,
        name,
        element,
        () => `${label(user)} has the predecessor`,
        problems,
      );
    }
  }
}

function unknown(
  code: ProblemCode,
  known: Names | ReadonlySet<string>,
  name: string,
  element: XmlElement,
  start: () => string,
  problems: Problems,
): void {
  if (known.has(name)) return;
  const all = known instanceof Names ? () => known.all() : () => known;
  problems.error(
    code,
    element,
    () => `${start()} ${quoted(name)}, which is not defined${didYouMean(name, all())}`,
  );
}

/** Without an application_block nothing is used yet, and nothing is said. */
function warnUnused(project: Project, problems: Problems): void {
  if (project.blocks) {
    const used = new Set(project.blocks.components.map(({ reference }) => reference.name));
    for (const { spec, element } of project.components) {
      if (used.has(spec.name)) continue;
      problems.warning('UNUSED_COMPONENT', element, `${label(element)} is used by no component_block`);
    }
  }
  if (project.components.length === 0) return;
  const installed = new Set(project.components.flatMap(({ spec }) => spec.software));
  for (const { spec, element } of project.software) {
    if (installed.has(spec.name)) continue;
    problems.warning('UNUSED_SOFTWARE', element, `${label(element)} is used by no component`);
  }
}
