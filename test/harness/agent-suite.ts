/** What the tests of an agent begin with. */
import { buildAgentBundle, TestNode } from './agent.ts';
import { makeScratch } from './scratch.ts';

/**
 * Gives each test of the file a node of its own, on which no agent runs yet, and removes it afterwards. The agent's bundle is built
 * once; `built` is the folder that it is in.
 */
export function eachTestOnANode(use: (node: TestNode, built: string) => void | Promise<void>): void {
  const built = makeScratch();
  let bundle = '';
  let node: TestNode;
  beforeAll(() => {
    bundle = buildAgentBundle(built.dir);
  });
  afterAll(() => built.remove());
  beforeEach(async () => {
    node = new TestNode(bundle);
    await use(node, built.dir);
  });
  afterEach(() => node.remove());
}
