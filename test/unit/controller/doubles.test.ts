import { doublesOfAnswer, doublesOfEvent } from '../../../src/controller/doubles.ts';
import { appDetail } from '../../../src/core/views/apps.ts';
import { encodeResponse } from '../../../src/wire/xmlrpc/encode.ts';
import { readApplication } from '../../scenario/application.ts';
import { World } from '../../scenario/world.ts';

const world = new World();
const app = readApplication('app', [
  'component c 1 requires=load:..2,cpus:4..',
  'component_block b c',
  'block w',
]);
world.submit({ type: 'load_app', app, file: 'app.xml' });

const member = (name: string, value: string) =>
  `<member><name>${name}</name><value>${value}</value></member>`;

describe('bounds of a requirement', () => {
  it('are doubles in the specification that plushGetApp answers, also when they are whole', () => {
    const answer = appDetail(world.state, 'app');
    const text = encodeResponse(answer, {}, doublesOfAnswer('plushGetApp', ['app'], answer));
    expect(text).toContain(member('max', '<double>2.0</double>'));
    expect(text).toContain(member('min', '<double>4.0</double>'));
    expect(text).toContain(member('min', '<int>1</int>'));
  });

  it('are doubles in the event that an application was loaded', () => {
    const text = encodeResponse({ app, file: 'app.xml' }, {}, doublesOfEvent('app_loaded'));
    expect(text).toContain(member('max', '<double>2.0</double>'));
  });
});
