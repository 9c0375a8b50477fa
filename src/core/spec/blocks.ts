/** Reads `application_block` and the blocks in it (section 3.1 of plush-toit.2011). */
import type { ComponentBlockSpec, ProcessBlockSpec } from '../../../api/spec.ts';
import { type Reference, readReferences } from './component.ts';
import { Names } from './names.ts';
import type { Problems } from './problems.ts';
import { readProcess } from './process.ts';
import { attributeSetting, child, childrenNamed, definedName, enumValue } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

/** A block of either kind, for the checks of references and order. */
export interface Block {
  readonly name: string;
  readonly element: XmlElement;
  readonly predecessors: readonly Reference[];
  /** The component block it is in; absent for a component block. */
  readonly container?: Block;
}

/** What an application block holds. */
export interface ReadBlocks {
  /** The application's name; undefined after its problem has been reported. */
  readonly name: string | undefined;
  readonly componentBlocks: readonly ComponentBlockSpec[];
  /** Components used, each with the component block that uses it. */
  readonly components: readonly { readonly user: XmlElement; readonly reference: Reference }[];
  /** All blocks in the order of the document, component blocks before what is in them. */
  readonly blocks: readonly Block[];
  /** Names of blocks that were reported as not supported: they exist, so others may name them. */
  readonly unsupported: ReadonlySet<string>;
}

/** Reads the application block; every problem but those of references is reported. */
export function readApplicationBlock(element: XmlElement, problems: Problems): ReadBlocks {
  const names = new Names('block', problems);
  const blocks: Block[] = [];
  const components: { user: XmlElement; reference: Reference }[] = [];
  const componentBlocks: ComponentBlockSpec[] = [];
  const unsupported = new Set<string>();
  enumValue(attributeSetting(element, 'service'), 'application_block', ['0', 'false'], problems);
  const execution = child(element, 'execution');
  for (const componentBlock of execution ? childrenNamed(execution, 'component_block') : []) {
    const block = readBlock(componentBlock, names, problems);
    const reference = componentReference(componentBlock);
    if (reference) components.push({ user: componentBlock, reference });
    if (block) blocks.push(block);
    const inner = readProcessBlocks(componentBlock, block, names, problems);
    for (const read of inner) blocks.push(read.block);
    if (!block || !reference) continue;
    componentBlocks.push({
      name: block.name,
      component: reference.name,
      predecessors: block.predecessors.map((predecessor) => predecessor.name),
      blocks: inner.flatMap((read) => read.spec ?? []),
    });
  }
  if (execution) collectUnsupported(execution, unsupported);
  return { name: definedName(element, problems), componentBlocks, components, blocks, unsupported };
}

function componentReference(componentBlock: XmlElement): Reference | undefined {
  const element = child(componentBlock, 'component');
  const name = element && attributeSetting(element, 'name')?.value;
  return element && name !== undefined ? { name, element } : undefined;
}

function readBlock(
  element: XmlElement,
  names: Names,
  problems: Problems,
  container?: Block,
): Block | undefined {
  const name = definedName(element, problems);
  const predecessors = readReferences(element, 'predecessor', problems);
  if (name === undefined || !names.claim(name, element, 'name')) return undefined;
  return { name, element, predecessors, ...(container && { container }) };
}

function readProcessBlocks(
  componentBlock: XmlElement,
  container: Block | undefined,
  names: Names,
  problems: Problems,
): { readonly block: Block; readonly spec: ProcessBlockSpec | undefined }[] {
  const read: { block: Block; spec: ProcessBlockSpec | undefined }[] = [];
  for (const element of childrenNamed(componentBlock, 'process_block')) {
    const block = readBlock(element, names, problems, container);
    const processElement = child(element, 'process');
    const process = processElement && readProcess(processElement, problems);
    if (!block) continue;
    const predecessors = block.predecessors.map((predecessor) => predecessor.name);
    const spec: ProcessBlockSpec | undefined = process && {
      kind: 'process',
      name: block.name,
      predecessors,
      process,
    };
    read.push({ block, spec });
  }
  return read;
}

/** Names of barrier and workflow blocks at any depth, and of the blocks in them. */
function collectUnsupported(element: XmlElement, names: Set<string>): void {
  for (const inner of element.children) {
    if (inner.name.endsWith('_block')) {
      const name = inner.attributes.get('name')?.trim();
      const nested = element.name === 'workflow_block';
      if (name && (nested || inner.name === 'barrier_block' || inner.name === 'workflow_block'))
        names.add(name);
      collectUnsupported(inner, names);
    }
  }
}
