import { decodeState, encodeState } from '../../../src/core/snapshot.ts';
import { makeBlock, readApplication } from '../../scenario/application.ts';
import { World } from '../../scenario/world.ts';

describe('a state written down', () => {
  it('comes back as it was, also when a specification uses the words of the writing', () => {
    const world = new World();
    const app = readApplication('x', ['component c 1', 'component_block b c']);
    const block = makeBlock('work');
    const odd = { ...block, process: { ...block.process, env: { $map: 'x' } } };
    const spec = { ...app, component_blocks: app.component_blocks.map((b) => ({ ...b, blocks: [odd] })) };
    world.submit({ type: 'load_app', app: spec, file: 'x.xml' });
    world.submit({ type: 'add_node', node: { hostname: 'n1', type: 'ssh', properties: { $set: 'y' } } });
    world.submit({ type: 'start_run' });
    expect(decodeState(encodeState(world.state))).toEqual(world.state);
  });
});
