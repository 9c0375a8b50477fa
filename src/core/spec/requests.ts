/**
 * Reads the requests to SWORD, Shirako and Usher, which are those services' own language (sections 4.3 and 4.4 of
 * plush-toit.2011): their elements are kept as written, flattened to name and text.
 */
import type { ResourceRequest } from '../../../api/spec.ts';
import type { Problems } from './problems.ts';
import { label, quoted, webUrl } from './values.ts';
import type { XmlElement } from './xml-tree.ts';

const SERVICES = ['sword', 'shirako', 'usher'] as const;

/** The requests of an rspec, in the order of the document. */
export function readRequests(rspec: XmlElement, problems: Problems): ResourceRequest[] {
  const requests: ResourceRequest[] = [];
  for (const element of rspec.children) {
    const service = SERVICES.find((name) => name === element.name);
    if (service) requests.push(readRequest(service, element, problems));
  }
  return requests;
}

function readRequest(
  service: ResourceRequest['service'],
  element: XmlElement,
  problems: Problems,
): ResourceRequest {
  const attributes: [string, string][] = [];
  const occurrences = new Map<string, number>();
  let server: string | undefined;
  const leaves = leavesOf(element, problems);
  if (leaves[0] === element) problems.error('EMPTY', element, `${label(element)} has no elements inside`);
  for (const leaf of leaves) {
    const value = leaf.text.trim();
    const count = (occurrences.get(leaf.name) ?? 0) + 1;
    occurrences.set(leaf.name, count);
    if (leaf.name === 'server' && count === 1) server = webUrl({ value, element: leaf }, problems);
    // A repeated name gets a number, so that nothing of the request is lost.
    else attributes.push([count === 1 ? leaf.name : `${leaf.name}[${count}]`, value]);
  }
  return { service, ...(server !== undefined && { server }), attributes: Object.fromEntries(attributes) };
}

/** Elements without elements inside, in the order of the document. Attributes would be lost, so they are reported. */
function leavesOf(element: XmlElement, problems: Problems): XmlElement[] {
  for (const name of element.attributes.keys()) {
    const message = `${label(element)} has the attribute ${quoted(name)}: a request is written with elements alone`;
    problems.error('UNKNOWN_ATTRIBUTE', element, message, name);
  }
  if (element.children.length === 0) return [element];
  const text = element.text.trim();
  if (text !== '') {
    const message = `${label(element)} has the text ${quoted(text)} between its elements`;
    problems.error('UNEXPECTED_TEXT', element, message);
  }
  return element.children.flatMap((inner) => leavesOf(inner, problems));
}
