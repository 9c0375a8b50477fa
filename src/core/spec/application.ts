/** The application specification: from a file to the model (sections 3.1 and 4 of plush-toit.2011). */
import type { AppSpec, Diagnostic } from '../../../api/spec.ts';
import { type ReadBlocks, readApplicationBlock } from './blocks.ts';
import { checkCleanups } from './cleanups.ts';
import { type ReadComponent, readComponent } from './component.ts';
import { read2006 } from './dialect-2006.ts';
import { APPLICATION } from './grammar.ts';
import { Names } from './names.ts';
import { checkOrder } from './order.ts';
import { checkParticipants } from './participants.ts';
import { Problems } from './problems.ts';
import { checkBlocks, checkSoftware } from './references.ts';
import { checkRoot } from './root.ts';
import { type ReadSoftware, readSoftware } from './software.ts';
import { checkStructure } from './structure.ts';
import { child, childrenNamed, definedName, label } from './values.ts';
import { readXml, type XmlElement } from './xml-tree.ts';

interface Project {
  readonly software: readonly ReadSoftware[];
  readonly components: readonly ReadComponent[];
  readonly blocks: ReadBlocks | undefined;
}

/**
 * Reads an application specification in any of its dialects: `app` is there only when no diagnostic is an error. Diagnostics
 * are in the order of the file, at most 200 and a last note that counts the rest. A project without an application_block
 * (figures 7 and 8) is an application with the project's name and nothing to run. Never throws, whatever the input; reads
 * no file and no network.
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
  const older = read2006(element, problems);
  const blockElement = readBlockElement(element, problems);
  const project: Project = {
    software: readNamed(element, 'software', softwareNames, (found) => readSoftware(found, problems)),
    components: [
      ...readNamed(element, 'component', componentNames, (found) => readComponent(found, problems)),
      ...older.components,
    ],
    blocks: blockElement ? readApplicationBlock(blockElement, problems) : older.blocks,
  };
  for (const { spec, element: cluster } of older.components) componentNames.claim(spec.name, cluster, 'name');
  checkSoftware(project.software, project.components, softwareNames, problems);
  if (project.blocks) checkBlocks(project.blocks, componentNames, problems);
  const barriers = project.blocks ? checkWaiting(project.blocks, project.components, problems) : [];
  warnUnused(project, problems);
  const appName = project.blocks ? project.blocks.name : name;
  if (name === undefined || appName === undefined) return undefined;
  return {
    name: appName,
    project: name,
    software: project.software.map((software) => software.spec),
    components: project.components.map((component) => component.spec),
    component_blocks: project.blocks?.componentBlocks ?? [],
    ...(barriers.length > 0 && { barriers }),
    ...project.blocks?.members,
  };
}

/** The one element that says what is run; a second one, under whatever name, is reported. */
function readBlockElement(project: XmlElement, problems: Problems): XmlElement | undefined {
  const [first, ...more] = project.children.filter(({ name }) =>
    ['application_block', 'experiment', 'application'].includes(name),
  );
  for (const other of more) {
    if (!first || other.name === first.name) continue;
    const line = problems.lineOf(first);
    const message = `${label(other)} stands beside ${label(first)} of another dialect in line ${line}: write one of the two`;
    problems.error('CONTRADICTION', other, message);
  }
  return first?.name === 'application' ? undefined : first;
}

/** The model's barriers, after everything that could wait for ever has been reported. */
function checkWaiting(blocks: ReadBlocks, components: readonly ReadComponent[], problems: Problems) {
  const specs = new Map(components.map(({ spec }) => [spec.name, spec]));
  const barriers = blocks.barriers.specs();
  checkCleanups(blocks, problems);
  checkOrder(
    blocks.blocks,
    checkParticipants(blocks.barriers.all(), blocks.blocks, specs, problems),
    problems,
  );
  return barriers;
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

/** Without an application_block nothing is used yet, and nothing is said. */
function warnUnused(project: Project, problems: Problems): void {
  if (project.blocks) {
    const used = new Set(project.blocks.components.map(({ reference }) => reference.name));
    for (const { spec, element } of project.components) {
      if (used.has(spec.name)) continue;
      const user = element.name === 'cluster' ? 'application' : 'component_block';
      problems.warning('UNUSED_COMPONENT', element, `${label(element)} is used by no ${user}`);
    }
  }
  if (project.components.length === 0) return;
  const installed = new Set(project.components.flatMap(({ spec }) => spec.software));
  for (const { requires } of project.software) for (const { name } of requires) installed.add(name);
  for (const { spec, element } of project.software) {
    if (installed.has(spec.name)) continue;
    problems.warning('UNUSED_SOFTWARE', element, `${label(element)} is used by no component`);
  }
}
