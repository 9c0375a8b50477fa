/** Reads `application_block` and the blocks in it (section 3.1 of plush-toit.2011). */
import type {
  AppSpec,
  BarrierBlockSpec,
  BlockSpec,
  ComponentBlockSpec,
  ProcessBlockSpec,
} from '../../../api/spec.ts';
import type { ReadSubstitution } from './arguments.ts';
import { Barriers } from './barrier.ts';
import { type Reference, readReferences } from './component.ts';
import { Names } from './names.ts';
import { readOutcome } from './outcome.ts';
import { readExitPolicies, readLiveness } from './policies.ts';
import type { Problems } from './problems.ts';
import { readProcess } from './process.ts';
import { booleanValue, durationValue } from './quantities.ts';
import { isReserved } from './reserved-names.ts';
import { PERIOD } from './value-rule.ts';
import { attributeSetting, child, childrenNamed, definedName, nameValue } from './values.ts';
import { readTasks } from './workflow.ts';
import type { XmlElement } from './xml-tree.ts';

/** A block of any kind, for the checks of references and order. */
export interface Block {
  readonly name: string;
  readonly element: XmlElement;
  readonly predecessors: readonly Reference[];
  /** The component block or workflow block it is in; absent for a component block. */
  readonly container?: Block;
  /** Of a barrier block. */
  readonly barrier?: string;
  /** Of a component block. */
  readonly component?: string;
  /** Of a workflow block: id and number of tasks. */
  readonly workflow?: { readonly id: string; readonly tasks: number };
}

/** A substitution with the block whose process it is in. */
export interface PlacedSubstitution extends ReadSubstitution {
  readonly block: Block;
}

/** Members of the application that stand at the application block itself. */
type ApplicationMembers = Pick<
  AppSpec,
  'service' | 'reconnect_interval_ms' | 'exit_policies' | 'liveness' | 'cleanup' | 'outputs'
>;

/** What an application block holds. */
export interface ReadBlocks {
  /** The application's name; undefined after its problem has been reported. */
  readonly name: string | undefined;
  readonly members: ApplicationMembers;
  readonly componentBlocks: readonly ComponentBlockSpec[];
  /** Components used, each with the component block that uses it. */
  readonly components: readonly { readonly user: XmlElement; readonly reference: Reference }[];
  /** All blocks in the order of the document, containers before what is in them. */
  readonly blocks: readonly Block[];
  readonly barriers: Barriers;
  readonly substitutions: readonly PlacedSubstitution[];
}

/** What is collected while the blocks are read. */
interface Reading {
  readonly problems: Problems;
  readonly names: Names;
  readonly workflowIds: Names;
  readonly blocks: Block[];
  readonly barriers: Barriers;
  readonly substitutions: PlacedSubstitution[];
}

/** Reads the application block; every problem but those of references is reported. */
export function readApplicationBlock(element: XmlElement, problems: Problems): ReadBlocks {
  const reading: Reading = {
    problems,
    names: new Names('block', problems),
    workflowIds: new Names('workflow', problems),
    blocks: [],
    barriers: new Barriers(problems),
    substitutions: [],
  };
  const components: { user: XmlElement; reference: Reference }[] = [];
  const execution = child(element, 'execution');
  const componentBlocks: ComponentBlockSpec[] = [];
  for (const componentBlock of execution ? childrenNamed(execution, 'component_block') : []) {
    const reference = componentReference(componentBlock);
    if (reference) components.push({ user: componentBlock, reference });
    const spec = readComponentBlock(componentBlock, reference, reading);
    if (spec) componentBlocks.push(spec);
  }
  const { blocks, barriers, substitutions } = reading;
  const name = definedName(element, problems);
  const members = readMembers(element, problems);
  return { name, members, componentBlocks, components, blocks, barriers, substitutions };
}

function readMembers(element: XmlElement, problems: Problems): ApplicationMembers {
  const service = booleanValue(attributeSetting(element, 'service'), problems);
  const interval = durationValue(attributeSetting(element, 'reconnect_interval'), PERIOD, problems);
  const exitPolicies = readExitPolicies(element, problems);
  const liveness = readLiveness(element, problems);
  return {
    ...(service && { service }),
    ...(interval !== undefined && { reconnect_interval_ms: interval }),
    ...(exitPolicies.length > 0 && { exit_policies: exitPolicies }),
    ...(liveness.length > 0 && { liveness }),
    ...readOutcome(element, problems),
  };
}

function componentReference(componentBlock: XmlElement): Reference | undefined {
  const element = child(componentBlock, 'component');
  const name = element && attributeSetting(element, 'name')?.value;
  return element && name !== undefined ? { name, element } : undefined;
}

function readComponentBlock(
  element: XmlElement,
  component: Reference | undefined,
  reading: Reading,
): ComponentBlockSpec | undefined {
  const block = takeBlock(element, { ...(component && { component: component.name }) }, reading);
  const inner = readInner(element, block, reading);
  const outcome = readOutcome(element, reading.problems);
  if (!block || !component) return undefined;
  const predecessors = namesOf(block.predecessors);
  return { name: block.name, component: component.name, predecessors, blocks: inner, ...outcome };
}

/** Takes a block's name and notes it; undefined after a problem with its name has been reported. */
function takeBlock(
  element: XmlElement,
  more: Partial<Block>,
  { names, blocks, problems }: Reading,
): Block | undefined {
  const name = definedName(element, problems);
  const predecessors = readReferences(element, 'predecessor', problems);
  if (name === undefined || isReserved(name, element, problems)) return undefined;
  if (!names.claim(name, element, 'name')) return undefined;
  const block = { name, element, predecessors, ...more };
  blocks.push(block);
  return block;
}

function readInner(parent: XmlElement, container: Block | undefined, reading: Reading): BlockSpec[] {
  return parent.children.flatMap((element): readonly BlockSpec[] => {
    switch (element.name) {
      case 'process_block':
        return readProcessBlock(element, container, reading) ?? [];
      case 'barrier_block':
        return readBarrierBlock(element, container, reading) ?? [];
      case 'workflow_block':
        return parent.name === 'component_block' ? readWorkflow(element, container, reading) : [];
      default:
        return [];
    }
  });
}

function readProcessBlock(
  element: XmlElement,
  container: Block | undefined,
  reading: Reading,
): [ProcessBlockSpec] | undefined {
  const block = takeBlock(element, { ...(container && { container }) }, reading);
  const processElement = child(element, 'process');
  const process = processElement && readProcess(processElement, reading.problems);
  if (!block || !process) return undefined;
  for (const substitution of process.substitutions) reading.substitutions.push({ ...substitution, block });
  const predecessors = namesOf(block.predecessors);
  return [{ kind: 'process', name: block.name, predecessors, process: process.spec }];
}

function readBarrierBlock(
  element: XmlElement,
  container: Block | undefined,
  reading: Reading,
): [BarrierBlockSpec] | undefined {
  const barrierElement = child(element, 'barrier');
  const barrier = barrierElement && reading.barriers.read(barrierElement);
  const more = { ...(container && { container }), ...(barrier !== undefined && { barrier }) };
  const block = takeBlock(element, more, reading);
  if (!block || barrier === undefined) return undefined;
  return [{ kind: 'barrier', name: block.name, predecessors: namesOf(block.predecessors), barrier }];
}

function readWorkflow(element: XmlElement, container: Block | undefined, reading: Reading): BlockSpec[] {
  const tasks = readTasks(element, reading.problems);
  const idSetting = attributeSetting(element, 'id') ?? attributeSetting(element, 'name');
  if (idSetting?.attribute === 'id') nameValue(idSetting, reading.problems);
  const id = idSetting?.value ?? '';
  if (idSetting && !reading.workflowIds.claim(id, element, idSetting.attribute)) {
    // Its substitutions would be anyone's; the name has been reported.
    return [];
  }
  const more = { ...(container && { container }), workflow: { id, tasks: tasks?.num_tasks ?? 1 } };
  const block = takeBlock(element, more, reading);
  const blocks = readInner(element, block, reading).filter((inner) => inner.kind !== 'workflow');
  if (!block || !tasks) return [];
  return [
    { kind: 'workflow', name: block.name, id, predecessors: namesOf(block.predecessors), ...tasks, blocks },
  ];
}

function namesOf(references: readonly Reference[]): string[] {
  return references.map((reference) => reference.name);
}
